/* SPDX-License-Identifier: Apache-2.0 */
/* See flat_image.h. */
#include "slides/flat_image.h"

#include <string.h>

#include "base/alloc.h"

typedef struct FlatImage {
    Slide slide;
    uint8_t *rgb;
} FlatImage;

static bool
flat_image_region(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error UNUSED)
{
    const FlatImage *image = (const FlatImage *)slide;
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
        memcpy(target, image->rgb + (y * level->width_px + inside.x_px) * 3,
               (size_t)inside.width_px * 3);
    }
    return true;
}

static void flat_image_close(Slide *slide)
{
    FlatImage *image = (FlatImage *)slide;
    alloc_free(image->rgb);
    alloc_free(image);
}

static const SlideReader FLAT_READER = {NULL, flat_image_region, flat_image_close};

bool flat_image_check(const char *kind, int64_t width_px, int64_t height_px, Error *error)
{
    if (width_px <= 0 || height_px <= 0 || width_px > SLIDE_SIDE_PX_MAX ||
        height_px > SLIDE_SIDE_PX_MAX || width_px * height_px > SLIDE_REGION_PX_MAX) {
        return error_set(error, ERROR_INVALID,
                         "The %s image has %lld x %lld px, more than %ld in all", kind,
                         (long long)width_px, (long long)height_px, SLIDE_REGION_PX_MAX);
    }
    return true;
}

Slide *flat_image_create(const SlideInfo *info, int32_t width_px, int32_t height_px, uint8_t *rgb)
{
    FlatImage *image = ALLOC_NEW(FlatImage);
    image->slide.reader = &FLAT_READER;
    image->slide.info = *info;
    image->slide.info.level_count = 1;
    image->slide.info.levels[0] = (SlideLevel){width_px, height_px, 1.0, width_px, height_px};
    image->rgb = rgb;
    return &image->slide;
}
