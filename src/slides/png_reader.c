/* SPDX-License-Identifier: Apache-2.0 */
/* PNG tiles: a whole small image kept in memory (libpng's simplified API); one level, no mpp. */
#include <png.h>
#include <string.h>

#include "base/alloc.h"
#include "slides/slide_reader.h"

typedef struct PngSlide {
    Slide slide;
    uint8_t *rgb;
} PngSlide;

static bool
png_read_region(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error UNUSED)
{
    const PngSlide *png = (const PngSlide *)slide;
    const SlideLevel *level = &slide->info.levels[0];
    memset(rgb_out, 0xff, (size_t)region->width_px * (size_t)region->height_px * 3);
    SlideRegion inside;
    if (!slide_region_clip(level, region, &inside)) {
        return true;
    }
    for (int32_t row = 0; row < inside.height_px; row++) {
        int64_t y = inside.y_px + row;
        uint8_t *target =
            rgb_out + ((y - region->y_px) * region->width_px + (inside.x_px - region->x_px)) * 3;
        memcpy(target, png->rgb + (y * level->width_px + inside.x_px) * 3,
               (size_t)inside.width_px * 3);
    }
    return true;
}

static void png_close(Slide *slide)
{
    PngSlide *png = (PngSlide *)slide;
    alloc_free(png->rgb);
    alloc_free(png);
}

static const SlideReader PNG_READER = {NULL, png_read_region, png_close};

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
    if ((int64_t)image.width * image.height > SLIDE_REGION_PX_MAX) {
        return error_set(error, ERROR_LIMIT, "The PNG image has %u x %u px, more than %ld in all",
                         image.width, image.height, SLIDE_REGION_PX_MAX);
    }
    image.format = PNG_FORMAT_RGB;
    /* libpng would take 16 bits for linear light, and make the image brighter. */
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    AUTO_FREE uint8_t *rgb = alloc_array((size_t)image.width * image.height, 3);
    png_color white = {255, 255, 255};
    if (png_image_finish_read(&image, &white, rgb, 0, NULL) == 0) {
        return error_set(error, ERROR_INVALID, "The PNG image cannot be read: %s", image.message);
    }
    PngSlide *png = ALLOC_NEW(PngSlide);
    png->slide.reader = &PNG_READER;
    png->slide.info.format = "png";
    png->slide.info.level_count = 1;
    png->slide.info.levels[0] =
        (SlideLevel){image.width, image.height, 1.0, (int32_t)image.width, (int32_t)image.height};
    png->rgb = TAKE(rgb);
    *slide_out = &png->slide;
    return true;
}
