/* SPDX-License-Identifier: Apache-2.0 */
/* See jpeg_decoder.h. */
#include "slides/jpeg_decoder.h"

#include <jerror.h>

/* A tile of a slide is one baseline scan; a progressive one has about 10. More is an attack on
 * the processor's time. */
enum { SCANS_MAX = 32 };

static void on_error(j_common_ptr common)
{
    JpegDecoder *decoder = (JpegDecoder *)common->err;
    common->err->format_message(common, decoder->message);
    longjmp(decoder->escape, 1);
}

static void on_message(j_common_ptr common, int level)
{
    /* The end of data inside an image would be filled with grey: such an image is broken. */
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF) {
        on_error(common);
    }
}

static void on_progress(j_common_ptr common)
{
    const struct jpeg_decompress_struct *jpeg = (struct jpeg_decompress_struct *)common;
    if (jpeg->input_scan_number > SCANS_MAX) {
        JpegDecoder *decoder = (JpegDecoder *)common->err;
        snprintf(decoder->message, sizeof decoder->message, "more than %d scans", SCANS_MAX);
        longjmp(decoder->escape, 1);
    }
}

void jpeg_decoder_init(JpegDecoder *decoder, struct jpeg_decompress_struct *jpeg)
{
    *decoder = (JpegDecoder){.message = "not a JPEG image"};
    *jpeg = (struct jpeg_decompress_struct){.err = jpeg_std_error(&decoder->errors)};
    decoder->errors.error_exit = on_error;
    decoder->errors.emit_message = on_message;
    decoder->progress.progress_monitor = on_progress;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &decoder->progress;
}

void jpeg_decoder_read_rgb(struct jpeg_decompress_struct *jpeg, unsigned char *rgb_out)
{
    jpeg->out_color_space = JCS_RGB;
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = rgb_out + (size_t)jpeg->output_scanline * jpeg->output_width * 3;
        (void)jpeg_read_scanlines(jpeg, &row, 1);
    }
    (void)jpeg_finish_decompress(jpeg);
}
