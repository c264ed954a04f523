/* SPDX-License-Identifier: Apache-2.0 */
/* See tiff_strips.h. */
#include "slides/tiff_strips.h"

#include <string.h>

#include "base/alloc.h"
#include "slides/flat_image.h"
#include "slides/tiff_levels.h"

static bool check_decoder(TIFF *tiff, const TiffLevel *level, Error *error)
{
    if (level->decoder == TIFF_JPEG2000) {
        return error_set(error, ERROR_UNAVAILABLE, "JPEG 2000 is read in tiles only");
    }
    if (level->decoder == TIFF_JPEG && !level->stored_as_rgb) {
        (void)TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
    return true;
}

static bool read_rows(TiffHandle *handle,
                      uint32_t width_px,
                      uint32_t height_px,
                      uint16_t samples,
                      uint8_t *rgb_out,
                      Error *error)
{
    size_t row_bytes = (size_t)width_px * samples;
    if (TIFFScanlineSize(handle->tiff) != (tmsize_t)row_bytes) {
        return tiff_handle_error(handle, "The rows of the TIFF have another size", error);
    }
    AUTO_FREE uint8_t *row = alloc_array(row_bytes, 1);
    for (uint32_t y = 0; y < height_px; y++) {
        if (TIFFReadScanline(handle->tiff, row, y, 0) != 1) {
            return tiff_handle_error(handle, "A strip of the image cannot be read", error);
        }
        uint8_t *target = rgb_out + (size_t)y * width_px * 3;
        for (size_t x = 0; x < width_px; x++) {
            memcpy(target + x * 3, row + x * samples, 3);
        }
    }
    return true;
}

bool tiff_strips_read(TiffHandle *handle, Slide **slide_out, Error *error)
{
    TIFF *tiff = handle->tiff;
    uint32_t width = 0;
    uint32_t height = 0;
    SlideInfo info = {.level_count = 0};
    TiffLevel level = {.directory = 0};
    if (TIFFLastDirectory(tiff) == 0) {
        return error_set(error, ERROR_INVALID,
                         "The TIFF has several pages and is not tiled; only a single page is read "
                         "so");
    }
    (void)TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    (void)TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    if (!flat_image_check("TIFF", width, height, error) ||
        !tiff_level_describe(tiff, &info, &level, error) || !check_decoder(tiff, &level, error)) {
        return false;
    }
    AUTO_FREE uint8_t *rgb = alloc_array((size_t)width * height, 3);
    if (!read_rows(handle, width, height, level.samples, rgb, error)) {
        return false;
    }
    *slide_out = flat_image_create(&info, (int32_t)width, (int32_t)height, TAKE(rgb));
    return true;
}
