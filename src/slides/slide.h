/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slides: one reader for every image format. A slide has levels (level 0 is the finest) and gives
 * any region of a level as RGB. The format is recognised by content, never by name. Label and
 * macro images may name a patient: no function here can reach them.
 *
 * A Slide is used by one thread at a time; several threads open the file several times.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct Slide Slide;

typedef struct SlideLevel {
    int64_t width_px;
    int64_t height_px;
    double downsample; /* level 0 pixels for one pixel of this level */
    int32_t tile_width_px;
    int32_t tile_height_px;
} SlideLevel;

typedef struct SlideInfo {
    const char *format;     /* "svs", "tiff", "png", or the vendor's name that OpenSlide gives */
    const char *media_type; /* as an item's metadata names it, "image/tiff" */
    double mpp;             /* microns of one level 0 pixel; 0 when the file does not say */
    bool pyramidal;         /* more than one level */
    int level_count;
    SlideLevel levels[SLIDE_LEVELS_MAX];
} SlideInfo;

/* A rectangle of one level, in that level's pixels; it may lie partly outside the image. */
typedef struct SlideRegion {
    int level;
    int64_t x_px;
    int64_t y_px;
    int32_t width_px;
    int32_t height_px;
} SlideRegion;

/* Fails with ERROR_NOT_FOUND without a file and with ERROR_INVALID when it is no readable slide. */
MUST_CHECK bool slide_open(const char *path, Slide **slide_out, Error *error);
void slide_close(Slide *slide);

/* Valid until slide_close. */
const SlideInfo *slide_info(const Slide *slide);

/* Fills width * height RGB triples, rows without padding. What lies outside the image, or in a
 * tile that the scanner left out, is white. At most SLIDE_REGION_PX_MAX pixels. */
MUST_CHECK bool
slide_read_region(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error);

static inline void cleanup_slide(Slide **slide)
{
    slide_close(*slide);
}
#define AUTO_SLIDE CLEANUP(cleanup_slide) Slide
