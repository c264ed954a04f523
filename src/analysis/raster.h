/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on single-channel images in integers, so that a pixel's result depends on its
 * neighbourhood alone and not on where a tile begins. Rows stand without padding.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RasterSize {
    int32_t width;
    int32_t height;
} RasterSize;

static inline size_t raster_count(RasterSize size)
{
    return (size_t)size.width * (size_t)size.height;
}

/* Working memory for images of up to a given size. */
typedef struct RasterScratch {
    uint16_t *plane; /* as many values as the image has pixels */
    uint32_t *sums;  /* one for each column */
} RasterScratch;

void raster_scratch_init(RasterScratch *scratch, RasterSize largest);
void raster_scratch_clear(RasterScratch *scratch);

/* The mean over (2 * radius + 1)² pixels, rounded; at the border over those that exist. `in` and
 * `out` may be the same. */
void raster_box_mean(
    const uint16_t *in, uint16_t *out, RasterSize size, int32_t radius, RasterScratch *scratch);

/* The values of masks; weak places are whatever the mask is of, and strong ones more surely so. */
enum { MASK_NONE, MASK_WEAK, MASK_STRONG };

/* Removes 4-connected regions of `value`, 0 or 1, with fewer than `count_min` pixels by turning
 * them into the other value; regions that touch the border stay. Takes memory for the rim of a
 * region that is being looked at. */
void raster_remove_small(uint8_t *mask, RasterSize size, uint8_t value, uint32_t count_min);
/* As raster_remove_small, but regions at the border are removed too. */
void raster_remove_small_anywhere(uint8_t *mask,
                                  RasterSize size,
                                  uint8_t value,
                                  uint32_t count_min);
/* Keeps those 4-connected regions of weak and strong places that have at least `count_min` strong
 * ones, and makes all of their places weak. */
void raster_keep_strong(uint8_t *mask, RasterSize size, uint32_t count_min);

/* Otsu's threshold (A threshold selection method from gray-level histograms, 1979): the last bin
 * of the lower class; the middle of the gap where several are as good. */
uint32_t raster_otsu(const uint32_t *histogram, uint32_t bins);
