/* SPDX-License-Identifier: Apache-2.0 */
/* See dicom_pixels.h. */
#include "slides/dicom_pixels.h"

#include <string.h>

#include "slides/jpeg2000_tile.h"
#include "slides/jpeg_tile.h"
#include "slides/ycbcr.h"

/* Colour differences of native pixels are stored from the middle of the range on. */
enum { MIDDLE = 128 };

/* PS3.3 C.7.6.3.1.2: two pixels as Y Y Cb Cr. */
static void unpack_422(const uint8_t *source, size_t pixels, uint8_t *rgb_out)
{
    for (size_t i = 0; i + 1 < pixels; i += 2, source += 4, rgb_out += 6) {
        ycbcr_to_rgb(source[0], source[2] - MIDDLE, source[3] - MIDDLE, rgb_out);
        ycbcr_to_rgb(source[1], source[2] - MIDDLE, source[3] - MIDDLE, rgb_out + 3);
    }
}

/* PS3.3 C.7.6.3.1.3: colours by pixel, or each in a plane of its own. */
static void unpack_full(const DicomInstance *instance, const uint8_t *source, uint8_t *rgb_out)
{
    size_t pixels = (size_t)instance->level.tile_width_px * (size_t)instance->level.tile_height_px;
    bool planes = instance->attributes.planar == 1;
    for (size_t i = 0; i < pixels; i++, rgb_out += 3) {
        for (size_t c = 0; c < 3; c++) {
            rgb_out[c] = planes ? source[c * pixels + i] : source[i * 3 + c];
        }
        if (instance->colours == DICOM_YBR_FULL) {
            ycbcr_to_rgb(rgb_out[0], rgb_out[1] - MIDDLE, rgb_out[2] - MIDDLE, rgb_out);
        }
    }
}

static bool decode_native(const DicomInstance *instance,
                          const DicomFrameBuffer *frame,
                          uint8_t *rgb_out,
                          Error *error)
{
    const SlideLevel *level = &instance->level;
    if (instance->colours != DICOM_YBR_FULL_422) {
        unpack_full(instance, frame->bytes, rgb_out);
        return true;
    }
    if (level->tile_width_px % 2 != 0) {
        return error_set(error, ERROR_INVALID,
                         "The image has frames %d px wide, but YBR_FULL_422 needs an even width",
                         level->tile_width_px);
    }
    unpack_422(frame->bytes, (size_t)level->tile_width_px * (size_t)level->tile_height_px, rgb_out);
    return true;
}

static Jpeg2000Colours jpeg2000_colours(DicomColours colours)
{
    switch (colours) {
    case DICOM_YBR_FULL:
    case DICOM_YBR_FULL_422:
    case DICOM_YBR_ICT:
        return JPEG2000_YCBCR;
    case DICOM_YBR_RCT:
        return JPEG2000_RCT;
    case DICOM_RGB:
        break;
    }
    return JPEG2000_RGB;
}

bool dicom_frame_decode(const DicomInstance *instance,
                        const DicomFrameBuffer *frame,
                        uint8_t *rgb_out,
                        Error *error)
{
    const SlideLevel *level = &instance->level;
    switch (instance->encoding) {
    case DICOM_JPEG: {
        JpegTile tile = {.data = frame->bytes,
                         .data_bytes = frame->length,
                         .width_px = level->tile_width_px,
                         .height_px = level->tile_height_px,
                         .stored_as_rgb = instance->colours == DICOM_RGB,
                         .adobe_decides = true};
        return jpeg_tile_decode(&tile, rgb_out, error);
    }
    case DICOM_JPEG2000: {
        Jpeg2000Tile tile = {frame->bytes, frame->length, level->tile_width_px,
                             level->tile_height_px, jpeg2000_colours(instance->colours)};
        return jpeg2000_tile_decode(&tile, rgb_out, error);
    }
    case DICOM_NATIVE:
        break;
    }
    return decode_native(instance, frame, rgb_out, error);
}
