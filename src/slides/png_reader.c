/* SPDX-License-Identifier: Apache-2.0 */
/* PNG tiles: a whole small image kept in memory (libpng's simplified API); one level, no mpp. */
#include <png.h>

#include "base/alloc.h"
#include "slides/flat_image.h"

static void cleanup_image(png_image *image)
{
    png_image_free(image);
}

bool png_slide_open(const char *path, Slide **slide_out, Error *error)
{
    CLEANUP(cleanup_image) png_image image = {.version = PNG_IMAGE_VERSION};
    if (png_image_begin_read_from_file(&image, path) == 0) {
        return error_set(error, ERROR_INVALID, "The PNG image cannot be read: %s", image.message);
    }
    if (!flat_image_check("PNG", image.width, image.height, error)) {
        return false;
    }
    image.format = PNG_FORMAT_RGB;
    /* libpng would take 16 bits for linear light, and make the image brighter. */
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    AUTO_FREE uint8_t *rgb = alloc_array((size_t)image.width * image.height, 3);
    png_color white = {255, 255, 255};
    if (png_image_finish_read(&image, &white, rgb, 0, NULL) == 0) {
        return error_set(error, ERROR_INVALID, "The PNG image cannot be read: %s", image.message);
    }
    static const SlideInfo info = {.format = "png"};
    *slide_out = flat_image_create(&info, (int32_t)image.width, (int32_t)image.height, TAKE(rgb));
    return true;
}
