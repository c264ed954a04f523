/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tissue and glass: the density of green, which both stains absorb, above a threshold of Otsu (A
 * threshold selection method from gray-level histograms, 1979).
 */
#include <math.h>

#include "analysis/quality_parts.h"
#include "analysis/stain.h"
#include "base/alloc.h"

/* Otsu's threshold is kept within what is believable, for slides that are all glass or all
 * tissue. */
#define TISSUE_DENSITY_MIN 0.05
#define TISSUE_DENSITY_MAX 0.12
#define TISSUE_UM2_MIN 3000.0
#define HOLE_UM2_MAX 15000.0
/* Pale tissue shows as scattered nuclei: gaps up to twice this wide are closed where they are not
 * as clear as glass. */
#define GAP_RADIUS_UM 24.0
#define GAP_DENSITY_MIN 0.022

enum { DENSITY_BINS = 256, BIN_WIDTH = 4 };

typedef struct TissueSearch {
    const QualityWork *work;
    const DensityTables *tables;
    uint32_t *counts; /* DENSITY_BINS a thread */
    double threshold;
    int32_t gap_radius;
} TissueSearch;

static int32_t gap_radius(double mpp)
{
    return (int32_t)lround(GAP_RADIUS_UM / mpp);
}

int32_t quality_tissue_reach(double mpp)
{
    return QUALITY_DENSITY_REACH + 2 * gap_radius(mpp);
}

static void count_densities(void *context, const MapStrip *strip)
{
    const TissueSearch *search = context;
    uint32_t *counts = search->counts + strip->thread * (size_t)DENSITY_BINS;
    uint16_t *density = strip->planes[0];
    quality_density(search->work, search->tables, strip, density);
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        uint32_t bin = density[i] / (uint32_t)BIN_WIDTH;
        counts[bin < DENSITY_BINS ? bin : DENSITY_BINS - 1]++;
    }
}

static double tissue_threshold(TissueSearch *search)
{
    const MapStrips *strips = &search->work->strips;
    AUTO_FREE uint32_t *counts =
        alloc_zeroed((size_t)strips->thread_count * DENSITY_BINS, sizeof *counts);
    search->counts = counts;
    map_strips_run(strips, QUALITY_DENSITY_REACH, count_densities, search);
    quality_sum_counts(counts, DENSITY_BINS, strips->thread_count);
    double threshold = (raster_otsu(counts, DENSITY_BINS) + 1) * (double)BIN_WIDTH;
    threshold = fmin(TISSUE_DENSITY_MAX * STAIN_UNIT, threshold);
    return fmax(TISSUE_DENSITY_MIN * STAIN_UNIT, threshold);
}

static void judge_density(void *context, const MapStrip *strip)
{
    const TissueSearch *search = context;
    uint16_t *density = strip->planes[0];
    quality_density(search->work, search->tables, strip, density);
    for (size_t i = 0; i < strip->seen; i++) {
        strip->mask[i] = density[i] >= search->threshold;
    }
    strip_spread(strip, strip->planes[1], 1, search->gap_radius);
    strip_spread(strip, strip->planes[1], 0, search->gap_radius);
    uint8_t *mask = search->work->mask + strip->offset;
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        mask[i] = density[i] < GAP_DENSITY_MIN * STAIN_UNIT ? 0 : strip->mask[i];
    }
}

void quality_find_tissue(QualityWork *work, const DensityTables *tables)
{
    RasterSize size = work->maps->size;
    ClassMap *quality = work->quality;
    TissueSearch search = {work, tables, NULL, 0, gap_radius(quality->mpp)};
    search.threshold = tissue_threshold(&search);
    map_strips_run(&work->strips, quality_tissue_reach(quality->mpp), judge_density, &search);
    raster_remove_small(work->mask, size, 0, quality_area_px(quality, HOLE_UM2_MAX));
    raster_remove_small(work->mask, size, 1, quality_area_px(quality, TISSUE_UM2_MIN));
    for (size_t i = 0; i < work->count; i++) {
        quality->classes[i] = work->mask[i] ? QUALITY_VALID_TISSUE : QUALITY_NO_TISSUE;
    }
}
