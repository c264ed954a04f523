/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG tiles: a whole small image kept in memory. The pixels are shown as they are stored, however
 * a camera was held (EXIF): places in the results are places in the file. The densities of JFIF and
 * EXIF are a screen's or a printer's, so the resolution is unknown.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "slides/flat_image.h"
#include "slides/jpeg_decoder.h"

typedef struct JpegFile {
    FILE *file;
    JpegDecoder decoder;
    struct jpeg_decompress_struct jpeg;
} JpegFile;

static void jpeg_file_clear(JpegFile *self)
{
    jpeg_destroy_decompress(&self->jpeg);
    if (self->file != NULL) {
        fclose(self->file);
    }
}

static bool read_header(JpegFile *self)
{
    if (setjmp(self->decoder.escape) != 0) { // NOLINT(cert-err52-cpp)
        return false;
    }
    jpeg_stdio_src(&self->jpeg, self->file);
    return jpeg_read_header(&self->jpeg, TRUE) == JPEG_HEADER_OK;
}

static bool read_pixels(JpegFile *self, uint8_t *rgb_out)
{
    if (setjmp(self->decoder.escape) != 0) { // NOLINT(cert-err52-cpp)
        return false;
    }
    jpeg_decoder_read_rgb(&self->jpeg, rgb_out);
    return true;
}

/* How the inks of the four components mix is not in the file. */
static bool check_colours(const struct jpeg_decompress_struct *jpeg, Error *error)
{
    if (jpeg->num_components == 1 || jpeg->num_components == 3) {
        return true;
    }
    return error_set(error, ERROR_INVALID,
                     "The JPEG image has %d components%s, but 1 (grey) or 3 (RGB or YCbCr) are "
                     "needed",
                     jpeg->num_components, jpeg->num_components == 4 ? " (CMYK)" : "");
}

bool jpeg_slide_open(const char *path, Slide **slide_out, Error *error)
{
    CLEANUP(jpeg_file_clear) JpegFile self;
    jpeg_decoder_init(&self.decoder, &self.jpeg);
    self.file = fopen(path, "re");
    if (self.file == NULL) {
        return error_set(error, ERROR_INVALID, "The image cannot be opened: %s", strerror(errno));
    }
    const struct jpeg_decompress_struct *jpeg = &self.jpeg;
    if (!read_header(&self)) {
        return error_set(error, ERROR_INVALID, "The JPEG image cannot be read: %s",
                         self.decoder.message);
    }
    if (!flat_image_check("JPEG", jpeg->image_width, jpeg->image_height, error) ||
        !check_colours(jpeg, error)) {
        return false;
    }
    AUTO_FREE uint8_t *rgb = alloc_array((size_t)jpeg->image_width * jpeg->image_height, 3);
    if (!read_pixels(&self, rgb)) {
        return error_set(error, ERROR_INVALID, "The JPEG image cannot be read: %s",
                         self.decoder.message);
    }
    static const SlideInfo info = {.format = "jpeg"};
    *slide_out = flat_image_create(&info, (int32_t)jpeg->image_width, (int32_t)jpeg->image_height,
                                   TAKE(rgb));
    return true;
}
