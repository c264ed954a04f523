/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiled TIFF and SVS without OpenSlide: raw tiles from libtiff, JPEG decoded by libjpeg-turbo, JPEG
 * 2000 by OpenJPEG, other compressions by libtiff.
 */
#include <string.h>

#include "base/alloc.h"
#include "slides/jpeg2000_tile.h"
#include "slides/jpeg_tile.h"
#include "slides/slide_reader.h"
#include "slides/tiff_levels.h"
#include "slides/tiff_strips.h"

typedef struct TiffSlide {
    Slide slide;
    TiffHandle handle;
    TiffLevel levels[SLIDE_LEVELS_MAX];
    int current_level; /* whose directory libtiff has loaded; -1: none */
    uint8_t *raw;      /* SLIDE_BLOCK_BYTES_MAX at most; grows to the largest tile seen */
    size_t raw_bytes;
} TiffSlide;

static void tiff_close(Slide *slide)
{
    TiffSlide *self = (TiffSlide *)slide;
    alloc_free(self->raw);
    tiff_handle_close(&self->handle);
    alloc_free(self);
}

static bool select_level(TiffSlide *self, int level, Error *error)
{
    if (self->current_level == level) {
        return true;
    }
    self->current_level = -1;
    if (TIFFSetDirectory(self->handle.tiff, self->levels[level].directory) == 0) {
        return tiff_handle_error(&self->handle, "A level of the image cannot be read", error);
    }
    self->current_level = level;
    return true;
}

static void raw_reserve(TiffSlide *self, size_t bytes)
{
    if (bytes > self->raw_bytes) {
        self->raw = alloc_resize(self->raw, bytes, 1);
        self->raw_bytes = bytes;
    }
}

/* The tile as it is stored. */
static bool read_raw(TiffSlide *self, uint32_t tile, size_t *length_out, Error *error)
{
    TIFF *tiff = self->handle.tiff;
    uint64_t bytes = TIFFGetStrileByteCount(tiff, tile);
    if (bytes > (uint64_t)SLIDE_BLOCK_BYTES_MAX) {
        return error_set(error, ERROR_INVALID, "A tile of the image is too large");
    }
    raw_reserve(self, (size_t)bytes);
    tmsize_t length = TIFFReadRawTile(tiff, tile, self->raw, (tmsize_t)bytes);
    if (length <= 0) {
        return tiff_handle_error(&self->handle, "A tile of the image cannot be read", error);
    }
    *length_out = (size_t)length;
    return true;
}

static bool decode_jpeg(TiffSlide *self, int level, uint32_t tile, uint8_t *rgb_out, Error *error)
{
    size_t length = 0;
    if (!read_raw(self, tile, &length, error)) {
        return false;
    }
    uint32_t tables_bytes = 0;
    void *tables = NULL;
    if (TIFFGetField(self->handle.tiff, TIFFTAG_JPEGTABLES, &tables_bytes, &tables) == 0) {
        tables = NULL;
    }
    const SlideLevel *sizes = &self->slide.info.levels[level];
    JpegTile jpeg = {.tables = tables,
                     .tables_bytes = tables_bytes,
                     .data = self->raw,
                     .data_bytes = length,
                     .width_px = sizes->tile_width_px,
                     .height_px = sizes->tile_height_px,
                     .stored_as_rgb = self->levels[level].stored_as_rgb};
    return jpeg_tile_decode(&jpeg, rgb_out, error);
}

static bool
decode_jpeg2000(TiffSlide *self, int level, uint32_t tile, uint8_t *rgb_out, Error *error)
{
    size_t length = 0;
    if (!read_raw(self, tile, &length, error)) {
        return false;
    }
    const SlideLevel *sizes = &self->slide.info.levels[level];
    Jpeg2000Tile code = {self->raw, length, sizes->tile_width_px, sizes->tile_height_px,
                         self->levels[level].stored_as_rgb ? JPEG2000_RGB : JPEG2000_YCBCR};
    return jpeg2000_tile_decode(&code, rgb_out, error);
}

static bool decode_other(TiffSlide *self, int level, uint32_t tile, uint8_t *rgb_out, Error *error)
{
    const SlideLevel *sizes = &self->slide.info.levels[level];
    size_t pixels = (size_t)sizes->tile_width_px * (size_t)sizes->tile_height_px;
    size_t samples = self->levels[level].samples;
    raw_reserve(self, pixels * samples);
    tmsize_t wanted = (tmsize_t)(pixels * samples);
    tmsize_t length = TIFFReadEncodedTile(self->handle.tiff, tile, self->raw, wanted);
    if (length != wanted) {
        return tiff_handle_error(&self->handle, "A tile of the image cannot be decoded", error);
    }
    for (size_t i = 0; i < pixels; i++) {
        memcpy(rgb_out + i * 3, self->raw + i * samples, 3);
    }
    return true;
}

static bool tiff_read_tile(Slide *slide, int level, uint32_t tile, uint8_t *rgb_out, Error *error)
{
    TiffSlide *self = (TiffSlide *)slide;
    if (!select_level(self, level, error)) {
        return false;
    }
    if (TIFFGetStrileByteCount(self->handle.tiff, tile) == 0) {
        /* The scanner left it out. */
        const SlideLevel *sizes = &self->slide.info.levels[level];
        memset(rgb_out, 0xff, (size_t)sizes->tile_width_px * (size_t)sizes->tile_height_px * 3);
        return true;
    }
    switch (self->levels[level].decoder) {
    case TIFF_JPEG:
        return decode_jpeg(self, level, tile, rgb_out, error);
    case TIFF_JPEG2000:
        return decode_jpeg2000(self, level, tile, rgb_out, error);
    case TIFF_OTHER:
        break;
    }
    return decode_other(self, level, tile, rgb_out, error);
}

static const SlideReader TIFF_READER = {tiff_read_tile, NULL, tiff_close};

bool tiff_slide_open(const char *path, Slide **slide_out, Error *error)
{
    TiffSlide *self = ALLOC_NEW(TiffSlide);
    self->slide.reader = &TIFF_READER;
    self->current_level = -1;
    AUTO_SLIDE *slide = &self->slide;
    /* m: no memory map, or a file that shrinks under us would be a SIGBUS; O: the tile table is
     * read as it is needed. */
    if (!tiff_handle_open(&self->handle, path, "rmO", error)) {
        return false;
    }
    if (TIFFIsTiled(self->handle.tiff) == 0) {
        return tiff_strips_read(&self->handle, slide_out, error);
    }
    if (!tiff_levels_find(&self->handle, &slide->info, self->levels, error) ||
        !slide_info_check(&slide->info, error)) {
        return false;
    }
    *slide_out = TAKE(slide);
    return true;
}
