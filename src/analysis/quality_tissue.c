/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tissue and glass: the density of green, which both stains absorb, above a threshold of Otsu (A
 * threshold selection method from gray-level histograms, 1979).
 */
#include <math.h>

#include "analysis/quality_parts.h"
#include "analysis/stain.h"

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

static void close_gaps(QualityWork *work, int32_t radius)
{
    quality_spread(work, 1, radius);
    quality_spread(work, 0, radius);
    for (size_t i = 0; i < work->count; i++) {
        if (work->density[i] < GAP_DENSITY_MIN * STAIN_UNIT) {
            work->mask[i] = 0;
        }
    }
}

static double tissue_threshold(const QualityWork *work)
{
    uint32_t histogram[256] = {0};
    for (size_t i = 0; i < work->count; i++) {
        uint32_t bin = work->density[i] / 4U;
        histogram[bin > 255 ? 255 : bin]++;
    }
    double threshold = (raster_otsu(histogram, 256) + 1) * 4.0;
    threshold = fmin(TISSUE_DENSITY_MAX * STAIN_UNIT, threshold);
    return fmax(TISSUE_DENSITY_MIN * STAIN_UNIT, threshold);
}

void quality_find_tissue(QualityWork *work, const DensityTables *tables, ClassMap *quality)
{
    RasterSize size = work->maps->size;
    for (size_t i = 0; i < work->count; i++) {
        work->density[i] = tables->channels[1][work->maps->rgb[i * 3 + 1]];
    }
    raster_box_mean(work->density, work->density, size, 1, &work->scratch);
    double threshold = tissue_threshold(work);
    for (size_t i = 0; i < work->count; i++) {
        work->mask[i] = work->density[i] >= threshold;
    }
    close_gaps(work, (int32_t)lround(GAP_RADIUS_UM / quality->mpp));
    raster_remove_small(work->mask, size, 0, quality_area_px(quality, HOLE_UM2_MAX),
                        &work->scratch);
    raster_remove_small(work->mask, size, 1, quality_area_px(quality, TISSUE_UM2_MIN),
                        &work->scratch);
    for (size_t i = 0; i < work->count; i++) {
        quality->classes[i] = work->mask[i] ? QUALITY_VALID_TISSUE : QUALITY_NO_TISSUE;
    }
}
