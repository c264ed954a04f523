/* SPDX-License-Identifier: Apache-2.0 */
/* See quality.h. */
#include "analysis/quality.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* Green absorbs both stains: its density tells tissue from glass. Otsu's threshold is kept within
 * what is believable, for slides that are all glass or all tissue. */
#define TISSUE_DENSITY_MIN 0.05
#define TISSUE_DENSITY_MAX 0.12
#define TISSUE_UM2_MIN 3000.0
#define HOLE_UM2_MAX 15000.0
/* Pale tissue shows as scattered nuclei: gaps up to twice this wide are closed where they are not
 * as clear as glass. */
#define GAP_RADIUS_UM 24.0
#define GAP_DENSITY_MIN 0.022
/* Ink. Green and blue pens absorb more red than green, which 99.99 % of H&E tissue does not by
 * 0.005; black ones absorb all alike, where tissue's blue stays below 0.75 of its green. (Measured
 * on BRCA-M2C's tiles and HistoQC's pen marks.) Red pens look like blood and are not told. */
#define INK_DENSITY_MIN 0.12
#define INK_RED_OVER_GREEN 0.05
#define BLACK_DENSITY_MIN 0.40
#define BLACK_RED_SHARE 0.75
#define BLACK_BLUE_SHARE 0.95
#define INK_UM2_MIN 3000.0
/* A fold: two layers of tissue. */
#define FOLD_DENSITY_MIN 0.75
#define FOLD_OVER_TISSUE 2.2
#define FOLD_MEAN_SHARE 0.65 /* of the mean of all channels, as a share of that of green */
#define FOLD_UM2_MIN 1500.0
/* Glass is at least so bright. */
#define WHITE_MIN 232.0
/* Fine detail over coarse detail, in windows of this radius. Sharp tissue has 0.2 and more, and
 * 0.10 is what a blur of 0.8 microns (standard deviation) leaves of it. */
#define FOCUS_RADIUS_UM 30.0
#define FOCUS_RATIO_MIN 0.10
#define BLUR_UM2_MIN 8000.0

typedef struct QualityWork {
    const SlideMaps *maps;
    size_t count;
    uint16_t *density; /* of green, in thousandths, smoothed */
    uint16_t *other;
    uint8_t *mask;
    RasterScratch scratch;
} QualityWork;

static void work_init(QualityWork *work, const SlideMaps *maps)
{
    work->maps = maps;
    work->count = raster_count(maps->size);
    work->density = alloc_array(work->count, sizeof *work->density);
    work->other = alloc_array(work->count, sizeof *work->other);
    work->mask = alloc_array(work->count, 1);
    raster_scratch_init(&work->scratch, maps->size);
}

static void work_clear(QualityWork *work)
{
    alloc_free(work->density);
    alloc_free(work->other);
    alloc_free(work->mask);
    raster_scratch_clear(&work->scratch);
}
#define AUTO_QUALITY_WORK CLEANUP(work_clear) QualityWork

void quality_white(const SlideMaps *maps, double white_out[3])
{
    size_t count = raster_count(maps->size);
    for (int c = 0; c < 3; c++) {
        size_t histogram[256] = {0};
        for (size_t i = 0; i < count; i++) {
            histogram[maps->rgb[i * 3 + (size_t)c]]++;
        }
        int level = 255;
        for (size_t seen = histogram[level]; seen * 100 < count && level > 0;) {
            seen += histogram[--level];
        }
        white_out[c] = fmax(level, WHITE_MIN);
    }
}

static uint32_t area_px(const ClassMap *map, double um2)
{
    double pixels = um2 / (map->mpp * map->mpp);
    return pixels < 2 ? 2 : (uint32_t)pixels;
}

/* Densities of one channel by intensity, in thousandths. */
static void density_table(double white, uint16_t table_out[256])
{
    for (int i = 0; i < 256; i++) {
        table_out[i] = stain_clamp((int32_t)lround(stain_density(i, white) * STAIN_UNIT));
    }
}

/* Sets `value` wherever it stands within `radius` (a square). */
static void spread_value(QualityWork *work, uint8_t value, int32_t radius)
{
    /* So large that one pixel in the window does not round to 0. */
    for (size_t i = 0; i < work->count; i++) {
        work->other[i] = work->mask[i] == value ? UINT16_MAX : 0;
    }
    raster_box_mean(work->other, work->other, work->maps->size, radius, &work->scratch);
    for (size_t i = 0; i < work->count; i++) {
        if (work->other[i] > 0) {
            work->mask[i] = value;
        }
    }
}

static void close_gaps(QualityWork *work, int32_t radius)
{
    if (radius >= 1) {
        spread_value(work, 1, radius);
        spread_value(work, 0, radius);
    }
    for (size_t i = 0; i < work->count; i++) {
        if (work->density[i] < GAP_DENSITY_MIN * STAIN_UNIT) {
            work->mask[i] = 0;
        }
    }
}

static void find_tissue(QualityWork *work, const double white[3], ClassMap *quality)
{
    uint16_t table[256];
    density_table(white[1], table);
    for (size_t i = 0; i < work->count; i++) {
        work->density[i] = table[work->maps->rgb[i * 3 + 1]];
    }
    raster_box_mean(work->density, work->density, work->maps->size, 1, &work->scratch);
    uint32_t histogram[256] = {0};
    for (size_t i = 0; i < work->count; i++) {
        uint32_t bin = work->density[i] / 4U;
        histogram[bin > 255 ? 255 : bin]++;
    }
    double threshold = (raster_otsu(histogram, 256) + 1) * 4.0;
    threshold = fmin(TISSUE_DENSITY_MAX * STAIN_UNIT, threshold);
    threshold = fmax(TISSUE_DENSITY_MIN * STAIN_UNIT, threshold);
    for (size_t i = 0; i < work->count; i++) {
        work->mask[i] = work->density[i] >= threshold;
    }
    RasterSize size = work->maps->size;
    close_gaps(work, (int32_t)lround(GAP_RADIUS_UM / quality->mpp));
    raster_remove_small(work->mask, size, 0, area_px(quality, HOLE_UM2_MAX), &work->scratch);
    raster_remove_small(work->mask, size, 1, area_px(quality, TISSUE_UM2_MIN), &work->scratch);
    for (size_t i = 0; i < work->count; i++) {
        quality->classes[i] = work->mask[i] ? QUALITY_VALID_TISSUE : QUALITY_NO_TISSUE;
    }
}

static bool inked(const double density[3])
{
    bool colored = density[0] >= INK_DENSITY_MIN && density[0] - density[1] >= INK_RED_OVER_GREEN;
    bool black = density[1] >= BLACK_DENSITY_MIN && density[0] >= BLACK_RED_SHARE * density[1] &&
                 density[2] >= BLACK_BLUE_SHARE * density[1];
    return colored || black;
}

/* Sets the class where the mask is set. */
static void
apply_mask(const QualityWork *work, ClassMap *quality, QualityClass from, QualityClass to)
{
    for (size_t i = 0; i < work->count; i++) {
        if (work->mask[i] != 0 && (from == QUALITY_NONE || quality->classes[i] == from)) {
            quality->classes[i] = (uint8_t)to;
        }
    }
}

static void find_ink(QualityWork *work, const double white[3], ClassMap *quality)
{
    double tables[3][256];
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 256; i++) {
            tables[c][i] = stain_density(i, white[c]);
        }
    }
    const uint8_t *rgb = work->maps->rgb;
    for (size_t i = 0; i < work->count; i++, rgb += 3) {
        double density[3] = {tables[0][rgb[0]], tables[1][rgb[1]], tables[2][rgb[2]]};
        work->mask[i] = inked(density);
    }
    uint32_t ink_px = area_px(quality, INK_UM2_MIN);
    raster_remove_small(work->mask, work->maps->size, 0, ink_px, &work->scratch);
    raster_remove_small_anywhere(work->mask, work->maps->size, 1, ink_px, &work->scratch);
    apply_mask(work, quality, QUALITY_NONE, QUALITY_MARKER);
}

/* The median of the smoothed density of valid tissue. */
static double tissue_median(const QualityWork *work, const ClassMap *quality)
{
    uint32_t histogram[STAIN_UNIT_MAX + 1] = {0};
    uint32_t total = 0;
    for (size_t i = 0; i < work->count; i++) {
        if (quality->classes[i] == QUALITY_VALID_TISSUE) {
            histogram[work->density[i]]++;
            total++;
        }
    }
    uint32_t level = 0;
    for (uint32_t seen = histogram[0]; seen < total / 2; seen += histogram[level]) {
        level++;
    }
    return level;
}

/* Folds are darker in all channels than any single layer of the same tissue. */
static void find_folds(QualityWork *work, const double white[3], ClassMap *quality)
{
    double median = tissue_median(work, quality);
    double level = fmax(FOLD_DENSITY_MIN * STAIN_UNIT, FOLD_OVER_TISSUE * median);
    uint16_t tables[3][256];
    for (int c = 0; c < 3; c++) {
        density_table(white[c], tables[c]);
    }
    const uint8_t *rgb = work->maps->rgb;
    for (size_t i = 0; i < work->count; i++, rgb += 3) {
        uint32_t sum = (uint32_t)tables[0][rgb[0]] + tables[1][rgb[1]] + tables[2][rgb[2]];
        work->other[i] = (uint16_t)(sum / 3);
    }
    raster_box_mean(work->other, work->other, work->maps->size, 2, &work->scratch);
    for (size_t i = 0; i < work->count; i++) {
        work->mask[i] = work->other[i] >= level * FOLD_MEAN_SHARE && work->density[i] >= level;
    }
    uint32_t fold_px = area_px(quality, FOLD_UM2_MIN);
    raster_remove_small_anywhere(work->mask, work->maps->size, 1, fold_px, &work->scratch);
    apply_mask(work, quality, QUALITY_VALID_TISSUE, QUALITY_TISSUE_ARTIFACT);
}

void quality_from_colors(const SlideMaps *maps, const double white[3], ClassMap *quality)
{
    AUTO_QUALITY_WORK work;
    work_init(&work, maps);
    find_tissue(&work, white, quality);
    find_ink(&work, white, quality);
    find_folds(&work, white, quality);
}

/* The mean of a measure around each pixel, over valid tissue only where `weight` is that. */
static void
window_mean(QualityWork *work, const uint8_t *values, const ClassMap *quality, uint16_t *out)
{
    for (size_t i = 0; i < work->count; i++) {
        bool valid = quality->classes[i] == QUALITY_VALID_TISSUE;
        out[i] = valid ? (uint16_t)(values[i] * 64) : 0;
    }
    int32_t radius = (int32_t)lround(FOCUS_RADIUS_UM / quality->mpp);
    raster_box_mean(out, out, work->maps->size, radius < 1 ? 1 : radius, &work->scratch);
}

void quality_from_details(const SlideMaps *maps, ClassMap *quality)
{
    AUTO_QUALITY_WORK work;
    work_init(&work, maps);
    window_mean(&work, maps->fine, quality, work.density);
    window_mean(&work, maps->coarse, quality, work.other);
    for (size_t i = 0; i < work.count; i++) {
        work.mask[i] = quality->classes[i] == QUALITY_VALID_TISSUE &&
                       work.density[i] < FOCUS_RATIO_MIN * work.other[i];
    }
    uint32_t blur_px = area_px(quality, BLUR_UM2_MIN);
    raster_remove_small(work.mask, maps->size, 0, blur_px, &work.scratch);
    raster_remove_small_anywhere(work.mask, maps->size, 1, blur_px, &work.scratch);
    apply_mask(&work, quality, QUALITY_VALID_TISSUE, QUALITY_OUT_OF_FOCUS);
}
