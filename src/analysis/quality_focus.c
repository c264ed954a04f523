/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blur: places where the finest detail is missing beside the coarser one (measures.h). A blur takes
 * detail the finer it is, whatever the tissue, so that their ratio tells it: Tong, Li, Zhang and
 * Zhang (Blur detection for digital images using wavelet transform, ICME 2004); Moles Lopez et al.
 * (An automated blur detection method for histological whole slide imaging, 2013) showed that
 * detail tells it on slides, tile by tile.
 */
#include <math.h>

#include "analysis/quality_parts.h"

/* The window of the means, a square. */
#define WINDOW_RADIUS_UM 10.0
/* Fine over coarse, with what the noise of a camera and of JPEG adds to each, in levels. The limit
 * is that of tools/fit/fit_quality.py, between sharp tissue and a blur of 1 micron and more. */
#define FINE_NOISE 0.3
#define COARSE_NOISE 0.5
#define RATIO_MIN 0.22
/* The window sees what is sharp beside a blur, so that what it finds is too small by about this. */
#define GROWTH_UM 8.0
#define BLUR_UM2_MIN 5000.0
#define HOLE_UM2_MAX 5000.0
/* Measures are summed in so many parts of their unit. */
#define SUM_UNIT 64

/* The mean of a measure around each pixel; what is no valid tissue counts as nothing. */
static void
window_mean(QualityWork *work, const uint8_t *values, const ClassMap *quality, uint16_t *out)
{
    for (size_t i = 0; i < work->count; i++) {
        bool valid = quality->classes[i] == QUALITY_VALID_TISSUE;
        out[i] = valid ? (uint16_t)(values[i] * SUM_UNIT) : 0;
    }
    int32_t radius = quality_radius_px(quality->mpp, WINDOW_RADIUS_UM);
    raster_box_mean(out, out, work->maps->size, radius, &work->scratch);
}

void quality_find_blur(QualityWork *work, ClassMap *quality)
{
    RasterSize size = work->maps->size;
    window_mean(work, work->maps->fine, quality, work->density);
    window_mean(work, work->maps->coarse, quality, work->other);
    for (size_t i = 0; i < work->count; i++) {
        double fine = work->density[i] / (double)(SUM_UNIT * MAP_FINE_UNIT) + FINE_NOISE;
        double coarse = work->other[i] / (double)(SUM_UNIT * MAP_COARSE_UNIT) + COARSE_NOISE;
        work->mask[i] = quality->classes[i] == QUALITY_VALID_TISSUE && fine < RATIO_MIN * coarse;
    }
    uint32_t blur_px = quality_area_px(quality, BLUR_UM2_MIN);
    raster_remove_small(work->mask, size, 0, quality_area_px(quality, HOLE_UM2_MAX),
                        &work->scratch);
    raster_remove_small_anywhere(work->mask, size, 1, blur_px, &work->scratch);
    quality_spread(work, 1, (int32_t)lround(GROWTH_UM / quality->mpp));
    quality_apply(work, quality, QUALITY_VALID_TISSUE, QUALITY_OUT_OF_FOCUS);
}
