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

int32_t quality_blur_reach(double mpp)
{
    return quality_radius_px(mpp, WINDOW_RADIUS_UM);
}

/* The mean of a measure around each pixel; what is no valid tissue counts as nothing. */
static void
window_mean(const QualityWork *work, const MapStrip *strip, const uint8_t *values, uint16_t *plane)
{
    const uint8_t *classes = work->quality->classes + strip->offset;
    for (size_t i = 0; i < strip->seen; i++) {
        bool valid = classes[i] == QUALITY_VALID_TISSUE;
        plane[i] = valid ? (uint16_t)(values[strip->offset + i] * SUM_UNIT) : 0;
    }
    strip_mean(strip, plane, quality_blur_reach(work->quality->mpp));
}

static void judge_details(void *context, const MapStrip *strip)
{
    const QualityWork *work = context;
    const uint8_t *classes = work->quality->classes + strip->offset;
    uint8_t *mask = work->mask + strip->offset;
    window_mean(work, strip, work->maps->fine, strip->planes[0]);
    window_mean(work, strip, work->maps->coarse, strip->planes[1]);
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        double fine = strip->planes[0][i] / (double)(SUM_UNIT * MAP_FINE_UNIT) + FINE_NOISE;
        double coarse = strip->planes[1][i] / (double)(SUM_UNIT * MAP_COARSE_UNIT) + COARSE_NOISE;
        mask[i] = classes[i] == QUALITY_VALID_TISSUE && fine < RATIO_MIN * coarse;
    }
}

void quality_find_blur(QualityWork *work)
{
    const ClassMap *quality = work->quality;
    RasterSize size = work->maps->size;
    map_strips_run(&work->strips, quality_blur_reach(quality->mpp), judge_details, work);
    raster_remove_small(work->mask, size, 0, quality_area_px(quality, HOLE_UM2_MAX));
    raster_remove_small_anywhere(work->mask, size, 1, quality_area_px(quality, BLUR_UM2_MIN));
    int32_t growth_px = (int32_t)lround(GROWTH_UM / quality->mpp);
    quality_apply(work, growth_px, QUALITY_VALID_TISSUE, QUALITY_OUT_OF_FOCUS);
}
