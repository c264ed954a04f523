/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every format that OpenSlide can open and we do not read ourselves. Its associated images are
 * listed, their pixels never asked for. Premultiplied ARGB is laid on white.
 */
#include <math.h>
#include <openslide/openslide.h>
#include <string.h>
#include <tiffio.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "slides/slide_reader.h"

/* OpenSlide 3.4 does not tell the tile size of every format; its own readers use this. */
enum { TILE_SIDE_DEFAULT_PX = 256 };

typedef struct OpenslideSlide {
    Slide slide;
    openslide_t *handle;
} OpenslideSlide;

const char *openslide_vendor(const char *path)
{
    /* OpenSlide reads TIFF through libtiff, whose default handlers write to stderr. */
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    return openslide_detect_vendor(path);
}

static uint8_t on_white(uint32_t value, uint32_t alpha)
{
    uint32_t sum = value + (255 - alpha);
    return (uint8_t)(sum > 255 ? 255 : sum);
}

static void argb_to_rgb(const uint32_t *argb, size_t count, uint8_t *rgb_out)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t alpha = argb[i] >> 24;
        rgb_out[i * 3] = on_white((argb[i] >> 16) & 0xff, alpha);
        rgb_out[i * 3 + 1] = on_white((argb[i] >> 8) & 0xff, alpha);
        rgb_out[i * 3 + 2] = on_white(argb[i] & 0xff, alpha);
    }
}

static bool
openslide_region(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error)
{
    OpenslideSlide *self = (OpenslideSlide *)slide;
    const SlideLevel *level = &slide->info.levels[region->level];
    size_t count = (size_t)region->width_px * (size_t)region->height_px;
    AUTO_FREE uint32_t *argb = alloc_array(count, sizeof(uint32_t));
    openslide_read_region(self->handle, argb, llround((double)region->x_px * level->downsample),
                          llround((double)region->y_px * level->downsample), region->level,
                          region->width_px, region->height_px);
    const char *message = openslide_get_error(self->handle);
    if (message != NULL) {
        return error_set(error, ERROR_INVALID, "The image cannot be read: %s", message);
    }
    argb_to_rgb(argb, count, rgb_out);
    return true;
}

static void openslide_slide_close(Slide *slide)
{
    OpenslideSlide *self = (OpenslideSlide *)slide;
    if (self->handle != NULL) {
        openslide_close(self->handle);
    }
    alloc_free(self);
}

static const SlideReader OPENSLIDE_READER = {NULL, openslide_region, openslide_slide_close};

static double number_property(openslide_t *handle, const char *name)
{
    double value = 0;
    const char *text = openslide_get_property_value(handle, name);
    return text != NULL && parse_double(text_of(text), &value) ? value : 0;
}

/* OpenSlide 3.4 does not look at the resolution tags of a TIFF of no vendor. */
static SlidePixel read_pixel(openslide_t *handle)
{
    double width = number_property(handle, OPENSLIDE_PROPERTY_NAME_MPP_X);
    double height = number_property(handle, OPENSLIDE_PROPERTY_NAME_MPP_Y);
    if (width > 0 && height > 0) {
        return (SlidePixel){width, height};
    }
    const char *unit = openslide_get_property_value(handle, "tiff.ResolutionUnit");
    bool inches = unit != NULL && strcmp(unit, "inch") == 0;
    if (!inches && (unit == NULL || strcmp(unit, "centimeter") != 0)) {
        return (SlidePixel){0, 0};
    }
    return slide_tags_pixel(number_property(handle, "tiff.XResolution"),
                            number_property(handle, "tiff.YResolution"),
                            inches ? SLIDE_MICRONS_PER_INCH : SLIDE_MICRONS_PER_CENTIMETRE);
}

static int32_t tile_side(openslide_t *handle, int level, const char *side)
{
    char name[64];
    snprintf(name, sizeof name, "openslide.level[%d].tile-%s", level, side);
    double value = number_property(handle, name);
    return value >= 1 && value <= SLIDE_TILE_SIDE_PX_MAX ? (int32_t)value : TILE_SIDE_DEFAULT_PX;
}

static void read_levels(openslide_t *handle, SlideInfo *info)
{
    int32_t count = openslide_get_level_count(handle);
    for (int32_t i = 0; i < count && i < SLIDE_LEVELS_MAX; i++) {
        SlideLevel *level = &info->levels[info->level_count++];
        openslide_get_level_dimensions(handle, i, &level->width_px, &level->height_px);
        level->tile_width_px = tile_side(handle, i, "width");
        level->tile_height_px = tile_side(handle, i, "height");
    }
}

/* Under the names that OpenSlide's formats share; another name could be anything. */
static const char *kind_of(const char *name)
{
    static const char *const KINDS[] = {"label", "macro", "thumbnail"};
    for (size_t i = 0; i < ARRAY_COUNT(KINDS); i++) {
        if (strcmp(name, KINDS[i]) == 0) {
            return KINDS[i];
        }
    }
    return "other";
}

static void list_associated(openslide_t *handle, SlideInfo *info)
{
    const char *const *names = openslide_get_associated_image_names(handle);
    for (int i = 0; i < SLIDE_ASSOCIATED_MAX && names != NULL && names[i] != NULL; i++) {
        int64_t width = 0;
        int64_t height = 0;
        openslide_get_associated_image_dimensions(handle, names[i], &width, &height);
        slide_add_associated(info, kind_of(names[i]), width, height);
    }
}

bool openslide_slide_open(const char *path, Slide **slide_out, Error *error)
{
    const char *vendor = openslide_vendor(path);
    if (vendor == NULL) {
        return error_set(error, ERROR_INVALID, "The file is not a slide in a known format");
    }
    openslide_t *handle = openslide_open(path);
    if (handle == NULL) {
        return error_set(error, ERROR_INVALID, "The file is not a slide in a known format");
    }
    OpenslideSlide *self = ALLOC_NEW(OpenslideSlide);
    self->handle = handle;
    self->slide.reader = &OPENSLIDE_READER;
    AUTO_SLIDE *slide = &self->slide;
    const char *message = openslide_get_error(handle);
    if (message != NULL) {
        return error_set(error, ERROR_INVALID, "The image cannot be opened: %s", message);
    }
    slide->info.format = vendor;
    slide_set_pixel(&slide->info, read_pixel(handle));
    read_levels(handle, &slide->info);
    list_associated(handle, &slide->info);
    slide_add_property(
        &slide->info, "objective_power",
        text_of(openslide_get_property_value(handle, OPENSLIDE_PROPERTY_NAME_OBJECTIVE_POWER)));
    *slide_out = TAKE(slide);
    return true;
}
