/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG tiles; see jpeg_tile.h. */
#include "slides/jpeg_tile.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/* They need stdio.h before them. */
#include <jpeglib.h>

#include <jerror.h>

/* A tile of a slide is one baseline scan; a progressive one has about 10. More is an attack on
 * the processor's time. */
enum { SCANS_MAX = 32 };

typedef struct Decoder {
    struct jpeg_error_mgr errors; /* first: libjpeg gives back a pointer to it */
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
} Decoder;

static void on_error(j_common_ptr common)
{
    Decoder *decoder = (Decoder *)common->err;
    common->err->format_message(common, decoder->message);
    longjmp(decoder->escape, 1);
}

static void on_message(j_common_ptr common, int level)
{
    /* The end of data inside a tile would be filled with grey: such a tile is broken. */
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF) {
        on_error(common);
    }
}

static void on_progress(j_common_ptr common)
{
    const struct jpeg_decompress_struct *jpeg = (struct jpeg_decompress_struct *)common;
    if (jpeg->input_scan_number > SCANS_MAX) {
        Decoder *decoder = (Decoder *)common->err;
        snprintf(decoder->message, sizeof decoder->message, "more than %d scans", SCANS_MAX);
        longjmp(decoder->escape, 1);
    }
}

static void read_tables(struct jpeg_decompress_struct *jpeg, const JpegTile *tile)
{
    if (tile->tables != NULL) {
        jpeg_mem_src(jpeg, tile->tables, (unsigned long)tile->tables_bytes);
        (void)jpeg_read_header(jpeg, FALSE);
    }
}

/* True when the header agrees with what the container says. */
static bool
header_agrees(const struct jpeg_decompress_struct *jpeg, const JpegTile *tile, Decoder *decoder)
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
                   Decoder *decoder,
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
    jpeg->out_color_space = JCS_RGB;
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = rgb_out + (size_t)jpeg->output_scanline * jpeg->output_width * 3;
        (void)jpeg_read_scanlines(jpeg, &row, 1);
    }
    (void)jpeg_finish_decompress(jpeg);
    return true;
}

bool jpeg_tile_decode(const JpegTile *tile, uint8_t *rgb_out, Error *error)
{
    Decoder decoder = {.message = "not a JPEG image"};
    struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&decoder.errors)};
    decoder.errors.error_exit = on_error;
    decoder.errors.emit_message = on_message;
    decoder.progress.progress_monitor = on_progress;
    jpeg_create_decompress(&jpeg);
    jpeg.progress = &decoder.progress;
    bool decoded = decode(&jpeg, tile, &decoder, rgb_out);
    jpeg_destroy_decompress(&jpeg);
    return decoded || error_set(error, ERROR_INVALID, "A tile of the image cannot be decoded: %s",
                                decoder.message);
}
