/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folds: tissue that lies double absorbs twice (Beer and Lambert), so that a fold is darker in all
 * channels than the slide's tissue elsewhere. That folds are told by darkness relative to the
 * slide's own, region by region, is the finding of Kothari, Phan and Wang (Eliminating tissue-fold
 * artifacts in histopathological whole-slide images for improved image-based prediction of cancer
 * grade, 2013). Here a logistic regression weighs the logarithms of the three densities, absolute
 * and relative to the tissue's, with the weights of tools/fit/fit_quality.py.
 */
#include <math.h>

#include "analysis/quality_parts.h"
#include "analysis/stain.h"
#include "base/alloc.h"

/* The window of the mean, and what is added to densities before the logarithm. */
#define WINDOW_RADIUS_UM 8.0
#define DENSITY_FLOOR 0.03
/* What the tissue's density is: this share of the places that are denser than fat have less. */
#define TISSUE_DENSITY_MIN 0.12
#define TISSUE_QUANTILE 0.65
/* Of the logarithms of red's, green's and blue's density: at the place, and of the tissue. */
static const double PLACE_WEIGHTS[3] = {-7.05, 20.50, 0.60};
static const double TISSUE_WEIGHTS[3] = {8.32, -19.65, -1.88};
#define CONSTANT_WEIGHT (-2.51)
/* A region of scores above the former needs places above the latter. */
#define SCORE_MIN (-1.5)
#define SCORE_STRONG_MIN 3.3
#define STRONG_UM2_MIN 128.0
/* Blood, muscle and keratin are as dark, but of one stain: folds absorb at least this share of the
 * red that the tissue does. */
#define RED_OVER_TISSUE_MIN 0.9
#define FOLD_UM2_MIN 1500.0
#define HOLE_UM2_MAX 1000.0

static double log_density(double thousandths)
{
    return log(thousandths / STAIN_UNIT + DENSITY_FLOOR);
}

/* The quantile of one channel over the places denser than fat. */
static uint32_t tissue_density(const QualityWork *work, const uint16_t table[256], int channel)
{
    size_t histogram[STAIN_UNIT_MAX + 1] = {0};
    size_t total = 0;
    const uint8_t *rgb = work->maps->rgb + channel;
    for (size_t i = 0; i < work->count; i++, rgb += 3) {
        if (work->density[i] >= TISSUE_DENSITY_MIN * STAIN_UNIT) {
            histogram[table[*rgb]]++;
            total++;
        }
    }
    uint32_t level = 0;
    size_t seen = histogram[0];
    while (level < STAIN_UNIT_MAX && (double)seen < TISSUE_QUANTILE * (double)total) {
        seen += histogram[++level];
    }
    return level;
}

/* Adds one channel's part to the score of each place. */
static void
add_channel(QualityWork *work, const DensityTables *tables, int channel, double mpp, float *scores)
{
    const uint16_t *table = tables->channels[channel];
    float parts[STAIN_UNIT_MAX + 1];
    uint32_t tissue_level = tissue_density(work, table, channel);
    double tissue = TISSUE_WEIGHTS[channel] * log_density(tissue_level);
    for (int i = 0; i <= STAIN_UNIT_MAX; i++) {
        parts[i] = (float)(PLACE_WEIGHTS[channel] * log_density(i) + tissue);
    }
    const uint8_t *rgb = work->maps->rgb + channel;
    for (size_t i = 0; i < work->count; i++, rgb += 3) {
        work->other[i] = table[*rgb];
    }
    int32_t radius = quality_radius_px(mpp, WINDOW_RADIUS_UM);
    raster_box_mean(work->other, work->other, work->maps->size, radius, &work->scratch);
    double least = channel == 0 ? RED_OVER_TISSUE_MIN * tissue_level : 0;
    for (size_t i = 0; i < work->count; i++) {
        scores[i] += work->other[i] < least ? -INFINITY : parts[work->other[i]];
    }
}

void quality_find_folds(QualityWork *work, const DensityTables *tables, ClassMap *quality)
{
    AUTO_FREE float *scores = alloc_zeroed(work->count, sizeof *scores);
    for (int channel = 0; channel < 3; channel++) {
        add_channel(work, tables, channel, quality->mpp, scores);
    }
    for (size_t i = 0; i < work->count; i++) {
        double score = scores[i] + CONSTANT_WEIGHT;
        work->mask[i] = score >= SCORE_MIN && quality->classes[i] == QUALITY_VALID_TISSUE;
        work->other[i] = score >= SCORE_STRONG_MIN;
    }
    quality_keep_strong(work, quality_area_px(quality, STRONG_UM2_MIN));
    RasterSize size = work->maps->size;
    raster_remove_small(work->mask, size, 0, quality_area_px(quality, HOLE_UM2_MAX),
                        &work->scratch);
    raster_remove_small_anywhere(work->mask, size, 1, quality_area_px(quality, FOLD_UM2_MIN),
                                 &work->scratch);
    quality_apply(work, quality, QUALITY_VALID_TISSUE, QUALITY_TISSUE_ARTIFACT);
}
