/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole slide images of DICOM: the instances of one series, whether they lie in a file, a folder or
 * a zip archive, become the levels of one slide. Nothing is unpacked.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "slides/dicom_pixels.h"
#include "slides/slide_reader.h"
#include "slides/zip_archive.h"

typedef struct DicomLevel {
    DicomInstance *instance;
    DicomFrames frames;
    uint32_t first_frame;    /* of a full level: the frame of its first tile */
    uint32_t *frame_of_tile; /* of a sparse one; NO_FRAME where there is none */
} DicomLevel;

typedef struct DicomSlide {
    Slide slide;
    ZipArchive archive;  /* file NULL: none */
    int64_t frame_count; /* of all instances */
    int instance_count;
    DicomInstance *instances[DICOM_INSTANCES_MAX];
    DicomLevel levels[SLIDE_LEVELS_MAX];
    DicomFrameBuffer buffer;
} DicomSlide;

static const uint32_t NO_FRAME = UINT32_MAX;

static void dicom_close(Slide *slide)
{
    DicomSlide *self = (DicomSlide *)slide;
    for (int i = 0; i < SLIDE_LEVELS_MAX; i++) {
        dicom_frames_clear(&self->levels[i].frames);
        alloc_free(self->levels[i].frame_of_tile);
    }
    for (int i = 0; i < self->instance_count; i++) {
        dicom_instance_destroy(self->instances[i]);
    }
    zip_archive_close(&self->archive);
    alloc_free(self->buffer.bytes);
    alloc_free(self);
}

static bool
dicom_read_tile(Slide *slide, int level_index, uint32_t tile, uint8_t *rgb_out, Error *error)
{
    DicomSlide *self = (DicomSlide *)slide;
    const DicomLevel *level = &self->levels[level_index];
    const SlideLevel *sizes = &level->instance->level;
    uint32_t frame =
        level->frame_of_tile == NULL ? level->first_frame + tile : level->frame_of_tile[tile];
    if (frame == NO_FRAME) {
        memset(rgb_out, 0xff, (size_t)sizes->tile_width_px * (size_t)sizes->tile_height_px * 3);
        return true;
    }
    return dicom_frame_read(level->instance, &level->frames, frame, &self->buffer, error) &&
           dicom_frame_decode(level->instance, &self->buffer, rgb_out, error);
}

static const SlideReader DICOM_READER = {dicom_read_tile, NULL, dicom_close};

/* PS3.3 C.7.6.17.3: tiles by rows, then focal planes, then optical paths. The middle plane of the
 * first path is shown. */
static bool place_full(DicomLevel *level, int64_t tile_count, Error *error)
{
    const DicomAttributes *attributes = &level->instance->attributes;
    int64_t planes = attributes->focal_planes == 0 ? 1 : attributes->focal_planes;
    int64_t paths = attributes->optical_paths == 0 ? 1 : attributes->optical_paths;
    int64_t frames = level->instance->frame_count;
    /* By division, as both are any numbers of 32 bits. */
    if (frames % tile_count != 0 || (frames / tile_count) % planes != 0 ||
        frames / tile_count / planes != paths) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM image has %lld frames, but %lld tiles in each of %lld focal "
                         "planes and %lld optical paths",
                         (long long)frames, (long long)tile_count, (long long)planes,
                         (long long)paths);
    }
    level->first_frame = (uint32_t)(tile_count * (planes / 2));
    return true;
}

/* PS3.3 C.8.12.6.1. Of several frames at one place the first is shown. */
static bool place_sparse(DicomLevel *level, int64_t tile_count, Error *error)
{
    const DicomInstance *instance = level->instance;
    const SlideLevel *sizes = &instance->level;
    level->frame_of_tile = alloc_array((size_t)tile_count, sizeof(uint32_t));
    memset(level->frame_of_tile, 0xff, (size_t)tile_count * sizeof(uint32_t));
    for (uint32_t i = 0; i < instance->frame_count; i++) {
        const DicomPlace *place = &instance->places[i];
        int64_t x = (int64_t)place->column - 1;
        int64_t y = (int64_t)place->row - 1;
        if (place->of_another_path) {
            continue;
        }
        if (x < 0 || y < 0 || x >= sizes->width_px || y >= sizes->height_px ||
            x % sizes->tile_width_px != 0 || y % sizes->tile_height_px != 0) {
            return error_set(error, ERROR_INVALID,
                             "The DICOM image has a tile at column %d, row %d, which is not on the "
                             "grid of its %d x %d px tiles",
                             place->column, place->row, sizes->tile_width_px,
                             sizes->tile_height_px);
        }
        uint32_t *frame =
            &level->frame_of_tile[y / sizes->tile_height_px * slide_tile_columns(sizes) +
                                  x / sizes->tile_width_px];
        *frame = *frame == NO_FRAME ? i : *frame;
    }
    return true;
}

static bool add_level(DicomSlide *self, DicomInstance *instance, Error *error)
{
    SlideInfo *info = &self->slide.info;
    int64_t tile_count = slide_tile_columns(&instance->level) * slide_tile_rows(&instance->level);
    if (info->level_count == SLIDE_LEVELS_MAX) {
        return error_set(error, ERROR_INVALID, "The DICOM series has more than %d levels",
                         SLIDE_LEVELS_MAX);
    }
    if (info->level_count > 0 && !slide_is_coarser_copy(info, &instance->level)) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM series has an image of %lld x %lld px, which is no coarser "
                         "level of the one with %lld x %lld px",
                         (long long)instance->level.width_px, (long long)instance->level.height_px,
                         (long long)info->levels[0].width_px, (long long)info->levels[0].height_px);
    }
    if (tile_count > DICOM_FRAMES_MAX) {
        return error_set(error, ERROR_INVALID, "The DICOM image has %lld tiles, more than %d",
                         (long long)tile_count, DICOM_FRAMES_MAX);
    }
    DicomLevel *level = &self->levels[info->level_count];
    level->instance = instance;
    bool full =
        instance->places == NULL || strcmp(instance->attributes.organization, "TILED_FULL") == 0;
    if (!dicom_frames_find(instance, &level->frames, error) ||
        !(full ? place_full(level, tile_count, error) : place_sparse(level, tile_count, error))) {
        return false;
    }
    alloc_free(TAKE(instance->places));
    info->levels[info->level_count++] = instance->level;
    return true;
}

static int compare_widths(const void *one, const void *other)
{
    int64_t a = (*(DicomInstance *const *)one)->level.width_px;
    int64_t b = (*(DicomInstance *const *)other)->level.width_px;
    return a < b ? 1 : a > b ? -1 : 0;
}

static const char *kind_of(DicomFlavor flavor)
{
    switch (flavor) {
    case DICOM_THUMBNAIL:
        return "thumbnail";
    case DICOM_LABEL:
        return "label";
    case DICOM_OVERVIEW:
        return "macro";
    case DICOM_VOLUME:
    case DICOM_OTHER_FLAVOR:
        break;
    }
    return "other";
}

static void describe(DicomSlide *self)
{
    static const char *const COMPRESSIONS[] = {"none", "JPEG", "JPEG 2000"};
    SlideInfo *info = &self->slide.info;
    const DicomInstance *first = self->levels[0].instance;
    const DicomAttributes *attributes = &first->attributes;
    info->format = "dicom";
    slide_set_pixel(info, first->pixel);
    info->staining = first->staining;
    slide_add_property(info, "compression", text_of(COMPRESSIONS[first->encoding]));
    slide_add_property(info, "colours", text_of(attributes->photometric));
    slide_add_property(info, "objective_power", text_of(attributes->objective_power));
    slide_add_property(info, "scanner", text_of(attributes->manufacturer));
    slide_add_property(info, "organization",
                       self->levels[0].frame_of_tile == NULL ? TEXT("TILED_FULL")
                                                             : TEXT("TILED_SPARSE"));
}

/* A thumbnail shows the whole slide: alone, it is the slide. */
static DicomFlavor flavor_of_levels(const DicomSlide *self)
{
    for (int i = 0; i < self->instance_count; i++) {
        if (self->instances[i]->flavor == DICOM_VOLUME) {
            return DICOM_VOLUME;
        }
    }
    return DICOM_THUMBNAIL;
}

/* Makes one slide of the instances that were found. */
static bool join(DicomSlide *self, Error *error)
{
    SlideInfo *info = &self->slide.info;
    DicomFlavor flavor = flavor_of_levels(self);
    qsort(self->instances, (size_t)self->instance_count, sizeof(void *), compare_widths);
    for (int i = 0; i < self->instance_count; i++) {
        DicomInstance *instance = self->instances[i];
        if (strcmp(instance->attributes.series_uid, self->instances[0]->attributes.series_uid) !=
            0) {
            return error_set(error, ERROR_INVALID,
                             "The files belong to several DICOM series; one slide is one series");
        }
        if (instance->flavor != flavor) {
            slide_add_associated(info, kind_of(instance->flavor), instance->level.width_px,
                                 instance->level.height_px);
        } else if (!add_level(self, instance, error)) {
            return false;
        }
    }
    if (info->level_count == 0) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM files hold no image of the whole slide's tissue");
    }
    describe(self);
    return true;
}

/* Takes the source over when it is an instance; a file of another kind is passed over. */
static bool add_instance(DicomSlide *self, ByteSource **source, Error *error)
{
    DicomInstance *instance = NULL;
    if (!dicom_instance_read(*source, &instance, error)) {
        if (error->code == ERROR_NOT_FOUND) {
            error_clear(error);
            return true;
        }
        return false;
    }
    *source = NULL;
    if (self->instance_count == DICOM_INSTANCES_MAX) {
        dicom_instance_destroy(instance);
        return error_set(error, ERROR_INVALID, "The DICOM series has more than %d images",
                         DICOM_INSTANCES_MAX);
    }
    self->instances[self->instance_count++] = instance;
    self->frame_count += instance->frame_count;
    if (self->frame_count > DICOM_SERIES_FRAMES_MAX) {
        return error_set(error, ERROR_INVALID, "The DICOM series has more than %d frames",
                         DICOM_SERIES_FRAMES_MAX);
    }
    return true;
}

static bool is_dicom(ByteSource *source)
{
    Error ignored = {.code = ERROR_NONE};
    uint8_t magic[4];
    return byte_source_read(source, 128, magic, sizeof magic, &ignored) &&
           memcmp(magic, "DICM", sizeof magic) == 0;
}

static DicomSlide *create(void)
{
    DicomSlide *self = ALLOC_NEW(DicomSlide);
    self->slide.reader = &DICOM_READER;
    return self;
}

static bool nothing_found(const char *what, Error *error)
{
    return error_set(error, ERROR_INVALID, "The %s holds no DICOM whole slide microscopy image",
                     what);
}

bool dicom_slide_open(const char *path, Slide **slide_out, Error *error)
{
    DicomSlide *self = create();
    AUTO_SLIDE *slide = &self->slide;
    AUTO_BYTE_SOURCE *source = NULL;
    if (!byte_source_open(AT_FDCWD, path, &source, error) || !add_instance(self, &source, error)) {
        return false;
    }
    if (self->instance_count == 0) {
        return nothing_found("file", error);
    }
    if (!join(self, error)) {
        return false;
    }
    *slide_out = TAKE(slide);
    return true;
}

static bool add_entries(DicomSlide *self, Error *error)
{
    for (size_t i = 0; i < self->archive.count; i++) {
        AUTO_BYTE_SOURCE *source = NULL;
        if (!zip_entry_open(&self->archive, &self->archive.entries[i], &source, error)) {
            return false;
        }
        if (is_dicom(source) && !add_instance(self, &source, error)) {
            return error_context(error, "Entry %zu of the zip archive", i + 1);
        }
    }
    return self->instance_count > 0 || nothing_found("zip archive", error);
}

bool dicom_zip_open(const char *path, Slide **slide_out, Error *error)
{
    DicomSlide *self = create();
    AUTO_SLIDE *slide = &self->slide;
    ByteSource *file = NULL;
    if (!byte_source_open(AT_FDCWD, path, &file, error) ||
        !zip_archive_open(file, &self->archive, error) || !add_entries(self, error) ||
        !join(self, error)) {
        return false;
    }
    *slide_out = TAKE(slide);
    return true;
}

static void cleanup_folder(DIR **folder)
{
    if (*folder != NULL) {
        closedir(*folder);
    }
}

static bool add_files(DicomSlide *self, DIR *folder, Error *error)
{
    struct dirent *file = NULL;
    for (int i = 0; (file = readdir(folder)) != NULL; i++) {
        if (i == ZIP_ENTRIES_MAX) {
            return error_set(error, ERROR_INVALID, "The folder has more than %d files",
                             ZIP_ENTRIES_MAX);
        }
        Error ignored = {.code = ERROR_NONE};
        AUTO_BYTE_SOURCE *source = NULL;
        if (byte_source_open(dirfd(folder), file->d_name, &source, &ignored) && is_dicom(source) &&
            !add_instance(self, &source, error)) {
            return error_context(error, "%s", file->d_name);
        }
    }
    return self->instance_count > 0 || nothing_found("folder", error);
}

bool dicom_folder_open(const char *path, Slide **slide_out, Error *error)
{
    DicomSlide *self = create();
    AUTO_SLIDE *slide = &self->slide;
    CLEANUP(cleanup_folder) DIR *folder = opendir(path);
    if (folder == NULL) {
        return error_set(error, ERROR_INVALID, "The folder cannot be opened: %s", strerror(errno));
    }
    if (!add_files(self, folder, error) || !join(self, error)) {
        return false;
    }
    *slide_out = TAKE(slide);
    return true;
}
