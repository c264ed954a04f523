/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG tiles; see jpeg_tile.h. */
#include "slides/jpeg_tile.h"

#include "slides/jpeg_decoder.h"

static void read_tables(struct jpeg_decompress_struct *jpeg, const JpegTile *tile)
{
    if (tile->tables != NULL) {
        jpeg_mem_src(jpeg, tile->tables, (unsigned long)tile->tables_bytes);
        (void)jpeg_read_header(jpeg, FALSE);
    }
}

/* True when the header agrees with what the container says. */
static bool
header_agrees(const struct jpeg_decompress_struct *jpeg, const JpegTile *tile, JpegDecoder *decoder)
{
    if ((int64_t)jpeg->image_width == tile->width_px &&
        (int64_t)jpeg->image_height == tile->height_px && jpeg->num_components == 3) {
        return true;
    }
    snprintf(decoder->message, sizeof decoder->message, "the tile is %u x %u px of %d components",
             jpeg->image_width, jpeg->image_height, jpeg->num_components);
    return false;
}

static bool decode(struct jpeg_decompress_struct *jpeg,
                   const JpegTile *tile,
                   JpegDecoder *decoder,
                   uint8_t *rgb_out)
{
    if (setjmp(decoder->escape) != 0) { // NOLINT(cert-err52-cpp)
        return false;
    }
    read_tables(jpeg, tile);
    jpeg_mem_src(jpeg, tile->data, (unsigned long)tile->data_bytes);
    if (jpeg_read_header(jpeg, TRUE) != JPEG_HEADER_OK || !header_agrees(jpeg, tile, decoder)) {
        return false;
    }
    /* Aperio's tiles carry no marker that tells RGB from YCbCr: the TIFF's field decides. */
    if (!tile->adobe_decides || !jpeg->saw_Adobe_marker) {
        jpeg->jpeg_color_space = tile->stored_as_rgb ? JCS_RGB : JCS_YCbCr;
    }
    jpeg_decoder_read_rgb(jpeg, rgb_out);
    return true;
}

bool jpeg_tile_decode(const JpegTile *tile, uint8_t *rgb_out, Error *error)
{
    JpegDecoder decoder;
    struct jpeg_decompress_struct jpeg;
    jpeg_decoder_init(&decoder, &jpeg);
    bool decoded = decode(&jpeg, tile, &decoder, rgb_out);
    jpeg_destroy_decompress(&jpeg);
    return decoded || error_set(error, ERROR_INVALID, "A tile of the image cannot be decoded: %s",
                                decoder.message);
}
