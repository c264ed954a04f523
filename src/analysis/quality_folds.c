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

enum { CHANNELS = 3, LEVELS = STAIN_UNIT_MAX + 1 };

typedef struct FoldSearch {
    const QualityWork *work;
    const DensityTables *tables;
    uint32_t *counts;              /* CHANNELS of LEVELS a thread */
    float parts[CHANNELS][LEVELS]; /* of the score, by the mean density */
    double least[CHANNELS];        /* mean density of what may be a fold */
    int32_t radius;
} FoldSearch;

int32_t quality_folds_reach(double mpp)
{
    return quality_radius_px(mpp, WINDOW_RADIUS_UM);
}

static void count_levels(void *context, const MapStrip *strip)
{
    const FoldSearch *search = context;
    uint32_t *counts = search->counts + strip->thread * (size_t)(CHANNELS * LEVELS);
    uint16_t *density = strip->planes[0];
    quality_density(search->work, search->tables, strip, density);
    const uint8_t *rgb = search->work->maps->rgb + strip->offset * 3;
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        for (int c = 0; c < CHANNELS && density[i] >= TISSUE_DENSITY_MIN * STAIN_UNIT; c++) {
            counts[c * LEVELS + search->tables->channels[c][rgb[i * 3 + (size_t)c]]]++;
        }
    }
}

/* The quantile of one channel over the places denser than fat. */
static uint32_t tissue_density(const uint32_t counts[LEVELS])
{
    size_t total = 0;
    for (uint32_t level = 0; level < LEVELS; level++) {
        total += counts[level];
    }
    uint32_t level = 0;
    size_t seen = counts[0];
    while (level < STAIN_UNIT_MAX && (double)seen < TISSUE_QUANTILE * (double)total) {
        seen += counts[++level];
    }
    return level;
}

static void learn_tissue(FoldSearch *search)
{
    const MapStrips *strips = &search->work->strips;
    AUTO_FREE uint32_t *counts =
        alloc_zeroed((size_t)strips->thread_count * CHANNELS * LEVELS, sizeof *counts);
    search->counts = counts;
    map_strips_run(strips, QUALITY_DENSITY_REACH, count_levels, search);
    quality_sum_counts(counts, (size_t)CHANNELS * LEVELS, strips->thread_count);
    for (int c = 0; c < CHANNELS; c++) {
        uint32_t tissue_level = tissue_density(counts + (size_t)c * LEVELS);
        double tissue = TISSUE_WEIGHTS[c] * log_density(tissue_level);
        for (int i = 0; i < LEVELS; i++) {
            search->parts[c][i] = (float)(PLACE_WEIGHTS[c] * log_density(i) + tissue);
        }
        search->least[c] = c == 0 ? RED_OVER_TISSUE_MIN * tissue_level : 0;
    }
}

static uint8_t judge_place(const FoldSearch *search, const MapStrip *strip, size_t place)
{
    float sum = 0;
    for (int c = 0; c < CHANNELS; c++) {
        uint16_t level = strip->planes[c][place];
        sum += level < search->least[c] ? -INFINITY : search->parts[c][level];
    }
    double score = sum + CONSTANT_WEIGHT;
    if (!(score >= SCORE_MIN)) {
        return MASK_NONE;
    }
    return score >= SCORE_STRONG_MIN ? MASK_STRONG : MASK_WEAK;
}

static void judge_densities(void *context, const MapStrip *strip)
{
    const FoldSearch *search = context;
    const uint8_t *rgb = search->work->maps->rgb + strip->offset * 3;
    for (int c = 0; c < CHANNELS; c++) {
        const uint16_t *table = search->tables->channels[c];
        for (size_t i = 0; i < strip->seen; i++) {
            strip->planes[c][i] = table[rgb[i * 3 + (size_t)c]];
        }
        strip_mean(strip, strip->planes[c], search->radius);
    }
    const uint8_t *classes = search->work->quality->classes + strip->offset;
    uint8_t *mask = search->work->mask + strip->offset;
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        bool valid = classes[i] == QUALITY_VALID_TISSUE;
        mask[i] = valid ? judge_place(search, strip, i) : MASK_NONE;
    }
}

void quality_find_folds(QualityWork *work, const DensityTables *tables)
{
    const ClassMap *quality = work->quality;
    FoldSearch search = {
        .work = work, .tables = tables, .radius = quality_folds_reach(quality->mpp)};
    learn_tissue(&search);
    map_strips_run(&work->strips, search.radius, judge_densities, &search);
    RasterSize size = work->maps->size;
    raster_keep_strong(work->mask, size, quality_area_px(quality, STRONG_UM2_MIN));
    raster_remove_small(work->mask, size, 0, quality_area_px(quality, HOLE_UM2_MAX));
    raster_remove_small_anywhere(work->mask, size, 1, quality_area_px(quality, FOLD_UM2_MIN));
    quality_apply(work, 0, QUALITY_VALID_TISSUE, QUALITY_TISSUE_ARTIFACT);
}
