/* SPDX-License-Identifier: Apache-2.0 */
/* Picks the back end by content and checks what every back end must keep; see slide.h. */
#include "slides/slide.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "slides/slide_reader.h"

/* DICOM's magic number stands behind a preamble of 128 bytes. */
enum { MAGIC_BYTES = 132, DICOM_MAGIC_OFFSET = 128 };

/* Finest and coarsest believable resolution: 100x oil immersion, and a slide's overview. */
#define MPP_MIN 0.02
#define MPP_MAX 100.0
/* Scanners' two steps differ by less than this share of their mean. */
#define MPP_ASPECT_TOLERANCE 0.1
/* A level's sides are rounded, and some writers cut them to whole tiles of the level before. */
#define LEVEL_ASPECT_TOLERANCE 0.02

typedef enum Container {
    CONTAINER_FOLDER,
    CONTAINER_TIFF,
    CONTAINER_PNG,
    CONTAINER_JPEG,
    CONTAINER_DICOM,
    CONTAINER_ZIP,
    CONTAINER_OTHER,
} Container;

static Container container_of(const uint8_t *magic, size_t length)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    /* Before TIFF: a DICOM file may have a TIFF's header in its preamble and be both. */
    if (length >= MAGIC_BYTES && memcmp(magic + DICOM_MAGIC_OFFSET, "DICM", 4) == 0) {
        return CONTAINER_DICOM;
    }
    if (length >= 4 && (memcmp(magic, "II\x2a\0", 4) == 0 || memcmp(magic, "MM\0\x2a", 4) == 0 ||
                        memcmp(magic, "II\x2b\0", 4) == 0 || memcmp(magic, "MM\0\x2b", 4) == 0)) {
        return CONTAINER_TIFF;
    }
    if (length >= sizeof png && memcmp(magic, png, sizeof png) == 0) {
        return CONTAINER_PNG;
    }
    if (length >= 3 && memcmp(magic, "\xff\xd8\xff", 3) == 0) {
        return CONTAINER_JPEG;
    }
    /* A local file header, or the end of an archive without entries. */
    if (length >= 4 &&
        (memcmp(magic, "PK\x03\x04", 4) == 0 || memcmp(magic, "PK\x05\x06", 4) == 0)) {
        return CONTAINER_ZIP;
    }
    return CONTAINER_OTHER;
}

static bool find_container(const char *path, Container *container_out, Error *error)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        ErrorCode code = errno == ENOENT ? ERROR_NOT_FOUND : ERROR_INVALID;
        return error_set(error, code, "The image cannot be opened: %s", strerror(errno));
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))) {
        return error_set(error, ERROR_INVALID, "The image is no file and no folder");
    }
    if (S_ISDIR(status.st_mode)) {
        *container_out = CONTAINER_FOLDER;
        return true;
    }
    uint8_t magic[MAGIC_BYTES] = {0};
    ssize_t length = pread(fd, magic, MAGIC_BYTES, 0);
    if (length < 0) {
        return error_set(error, ERROR_INVALID, "The image cannot be read: %s", strerror(errno));
    }
    *container_out = container_of(magic, (size_t)length);
    return true;
}

static const char *media_type_of(const char *path, Container container, const char *format)
{
    switch (container) {
    case CONTAINER_FOLDER:
    case CONTAINER_DICOM:
        return "application/dicom";
    case CONTAINER_ZIP:
        return "application/zip";
    case CONTAINER_PNG:
        return "image/png";
    case CONTAINER_JPEG:
        return strcmp(format, "jpeg") == 0 ? "image/jpeg" : "application/octet-stream";
    case CONTAINER_TIFF:
        if (path_ends_with(path, ".tif") || path_ends_with(path, ".tiff")) {
            return "image/tiff";
        }
        return strcmp(format, "tiff") == 0 ? "image/tiff" : "application/octet-stream";
    case CONTAINER_OTHER:
        break;
    }
    return "application/octet-stream";
}

static bool open_tiff(const char *path, Slide **slide_out, Error *error)
{
    /* Vendors that keep their levels in other ways than plain directories are OpenSlide's. */
    const char *vendor = openslide_vendor(path);
    if (vendor != NULL && strcmp(vendor, "aperio") != 0 && strcmp(vendor, "generic-tiff") != 0) {
        return openslide_slide_open(path, slide_out, error);
    }
    if (tiff_slide_open(path, slide_out, error)) {
        return true;
    }
    if (error->code != ERROR_UNAVAILABLE) {
        return false;
    }
    if (vendor != NULL) {
        return openslide_slide_open(path, slide_out, error);
    }
    error->code = ERROR_INVALID;
    return false;
}

/* A MIRAX slide is a folder beside a picture of it, mostly a JPEG and with the label: that is never
 * shown for the slide. */
static bool open_jpeg(const char *path, Slide **slide_out, Error *error)
{
    if (openslide_vendor(path) != NULL || path_ends_with(path, ".mrxs")) {
        return openslide_slide_open(path, slide_out, error);
    }
    return jpeg_slide_open(path, slide_out, error);
}

static bool open_container(const char *path, Container container, Slide **slide_out, Error *error)
{
    switch (container) {
    case CONTAINER_TIFF:
        return open_tiff(path, slide_out, error);
    case CONTAINER_PNG:
        return png_slide_open(path, slide_out, error);
    case CONTAINER_JPEG:
        return open_jpeg(path, slide_out, error);
    case CONTAINER_DICOM:
        return dicom_slide_open(path, slide_out, error);
    case CONTAINER_ZIP:
        return dicom_zip_open(path, slide_out, error);
    case CONTAINER_FOLDER:
        return dicom_folder_open(path, slide_out, error);
    case CONTAINER_OTHER:
        break;
    }
    return openslide_slide_open(path, slide_out, error);
}

bool slide_open(const char *path, Slide **slide_out, Error *error)
{
    Container container = CONTAINER_OTHER;
    AUTO_SLIDE *slide = NULL;
    if (!find_container(path, &container, error) ||
        !open_container(path, container, &slide, error) || !slide_info_check(&slide->info, error)) {
        return false;
    }
    slide->info.media_type = media_type_of(path, container, slide->info.format);
    *slide_out = TAKE(slide);
    return true;
}

void slide_close(Slide *slide)
{
    if (slide != NULL) {
        tile_cache_destroy(slide->cache);
        slide->reader->close(slide);
    }
}

const SlideInfo *slide_info(const Slide *slide)
{
    return &slide->info;
}

bool slide_read_region(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error)
{
    if (region->level < 0 || region->level >= slide->info.level_count) {
        return error_set(error, ERROR_INVALID, "The image has no level %d", region->level);
    }
    if (region->width_px <= 0 || region->height_px <= 0 ||
        (int64_t)region->width_px * region->height_px > SLIDE_REGION_PX_MAX ||
        llabs(region->x_px) > 2L * SLIDE_SIDE_PX_MAX ||
        llabs(region->y_px) > 2L * SLIDE_SIDE_PX_MAX) {
        return error_set(error, ERROR_LIMIT, "The region is empty or too large");
    }
    if (slide->reader->read_tile != NULL) {
        return tiles_read_region(slide, region, rgb_out, error);
    }
    return slide->reader->read_region(slide, region, rgb_out, error);
}

bool slide_level_check(const SlideLevel *level, Error *error)
{
    if (level->width_px <= 0 || level->height_px <= 0 || level->width_px > SLIDE_SIDE_PX_MAX ||
        level->height_px > SLIDE_SIDE_PX_MAX) {
        return error_set(error, ERROR_INVALID,
                         "The image has a level of %lld x %lld px, but a side may have 1 to %d px",
                         (long long)level->width_px, (long long)level->height_px,
                         SLIDE_SIDE_PX_MAX);
    }
    if (level->tile_width_px <= 0 || level->tile_height_px <= 0) {
        return error_set(error, ERROR_INVALID, "The image has empty tiles");
    }
    int64_t tiles = slide_tile_columns(level) * slide_tile_rows(level);
    if (tiles > SLIDE_TILES_MAX) {
        return error_set(error, ERROR_INVALID,
                         "The image has a level of %lld tiles, but at most %ld are read",
                         (long long)tiles, SLIDE_TILES_MAX);
    }
    return true;
}

bool slide_is_coarser_copy(const SlideInfo *info, const SlideLevel *candidate)
{
    const SlideLevel *first = &info->levels[0];
    const SlideLevel *previous = &info->levels[info->level_count - 1];
    double horizontal = (double)first->width_px / (double)candidate->width_px;
    double vertical = (double)first->height_px / (double)candidate->height_px;
    double rounding = 1.0 / (double)candidate->width_px + 1.0 / (double)candidate->height_px;
    return candidate->width_px < previous->width_px && candidate->height_px < previous->height_px &&
           fabs(horizontal / vertical - 1) < LEVEL_ASPECT_TOLERANCE + rounding;
}

bool slide_info_check(SlideInfo *info, Error *error)
{
    if (info->level_count < 1 || info->level_count > SLIDE_LEVELS_MAX) {
        return error_set(error, ERROR_INVALID, "The file holds no image");
    }
    for (int i = 0; i < info->level_count; i++) {
        if (!slide_level_check(&info->levels[i], error)) {
            return false;
        }
        SlideLevel *level = &info->levels[i];
        double horizontal = (double)info->levels[0].width_px / (double)level->width_px;
        double vertical = (double)info->levels[0].height_px / (double)level->height_px;
        level->downsample = (horizontal + vertical) / 2;
    }
    info->pyramidal = info->level_count > 1;
    info->mpp = slide_plausible_mpp(info->mpp);
    return true;
}

void slide_add_associated(SlideInfo *info, const char *kind, int64_t width_px, int64_t height_px)
{
    if (info->associated_count < SLIDE_ASSOCIATED_MAX) {
        info->associated[info->associated_count++] = (SlideAssociated){kind, width_px, height_px};
    }
}

void slide_add_property(SlideInfo *info, const char *name, Text value)
{
    if (value.length == 0 || info->property_count == SLIDE_PROPERTIES_MAX) {
        return;
    }
    SlideProperty *property = &info->properties[info->property_count++];
    property->name = name;
    size_t length = value.length < SLIDE_PROPERTY_BYTES ? value.length : SLIDE_PROPERTY_BYTES - 1;
    for (size_t i = 0; i < length; i++) {
        bool printable = value.bytes[i] >= 0x20 && value.bytes[i] < 0x7f;
        property->value[i] = printable ? value.bytes[i] : '?';
    }
    property->value[length] = '\0';
}

double slide_plausible_mpp(double mpp)
{
    return isfinite(mpp) && mpp >= MPP_MIN && mpp <= MPP_MAX ? mpp : 0;
}

void slide_set_pixel(SlideInfo *info, SlidePixel pixel)
{
    double mean = slide_plausible_mpp((pixel.width_um + pixel.height_um) / 2);
    bool square = fabs(pixel.width_um - pixel.height_um) <= MPP_ASPECT_TOLERANCE * mean;
    bool told = mean > 0 && pixel.width_um > 0 && pixel.height_um > 0;
    info->mpp = square ? mean : 0;
    info->oblong = told && !square ? pixel : (SlidePixel){0, 0};
}

SlidePixel slide_tags_pixel(double columns_per_unit, double rows_per_unit, double unit_um)
{
    bool told = columns_per_unit > 0 && rows_per_unit > 0;
    return told ? (SlidePixel){unit_um / columns_per_unit, unit_um / rows_per_unit}
                : (SlidePixel){0, 0};
}

bool slide_check_square(const SlideInfo *info, Error *error)
{
    if (info->oblong.width_um <= 0) {
        return true;
    }
    return error_set(error, ERROR_INVALID,
                     "The pixels of the slide are %.4g microns wide and %.4g microns high, but "
                     "their sides may differ by at most %.0f %%",
                     info->oblong.width_um, info->oblong.height_um, 100 * MPP_ASPECT_TOLERANCE);
}

bool slide_region_clip(const SlideLevel *level, const SlideRegion *region, SlideRegion *inside_out)
{
    int64_t left = region->x_px < 0 ? 0 : region->x_px;
    int64_t top = region->y_px < 0 ? 0 : region->y_px;
    int64_t right = region->x_px + region->width_px;
    int64_t bottom = region->y_px + region->height_px;
    right = right > level->width_px ? level->width_px : right;
    bottom = bottom > level->height_px ? level->height_px : bottom;
    if (left >= right || top >= bottom) {
        return false;
    }
    *inside_out =
        (SlideRegion){region->level, left, top, (int32_t)(right - left), (int32_t)(bottom - top)};
    return true;
}
