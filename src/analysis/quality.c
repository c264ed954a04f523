/* SPDX-License-Identifier: Apache-2.0 */
/* See quality.h: the order of the steps, and what they share. */
#include "analysis/quality.h"

#include <math.h>
#include <string.h>

#include "analysis/quality_parts.h"
#include "analysis/stain.h"
#include "base/alloc.h"

/* Glass is at least so bright. */
#define WHITE_MIN 232.0
enum { ROWS_BETWEEN_RESTS = 128 };

static void work_init(QualityWork *work,
                      const SlideMaps *maps,
                      ClassMap *quality,
                      int32_t reach,
                      unsigned thread_count)
{
    work->maps = maps;
    work->quality = quality;
    work->count = raster_count(maps->size);
    work->mask = alloc_array(work->count, 1);
    map_strips_init(&work->strips, maps, reach, thread_count);
}

static void work_clear(QualityWork *work)
{
    alloc_free(work->mask);
    map_strips_clear(&work->strips);
}
#define AUTO_QUALITY_WORK CLEANUP(work_clear) QualityWork

static void count_levels(const SlideMaps *maps, size_t histograms[3][256])
{
    size_t width = (size_t)maps->size.width;
    for (int32_t y = 0; y < maps->size.height; y++) {
        const uint8_t *rgb = maps->rgb + (size_t)y * width * 3;
        for (size_t x = 0; x < width; x++, rgb += 3) {
            histograms[0][rgb[0]]++;
            histograms[1][rgb[1]]++;
            histograms[2][rgb[2]]++;
        }
        if (y % ROWS_BETWEEN_RESTS == 0) {
            paged_memory_rest(&maps->memory);
        }
    }
}

void quality_white(const SlideMaps *maps, double white_out[3])
{
    size_t count = raster_count(maps->size);
    size_t histograms[3][256] = {{0}};
    count_levels(maps, histograms);
    for (int c = 0; c < 3; c++) {
        int level = 255;
        for (size_t seen = histograms[c][level]; seen * 100 < count && level > 0;) {
            seen += histograms[c][--level];
        }
        white_out[c] = fmax(level, WHITE_MIN);
    }
}

static void density_tables_init(DensityTables *tables, const double white[3])
{
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 256; i++) {
            tables->channels[c][i] =
                stain_clamp((int32_t)lround(stain_density(i, white[c]) * STAIN_UNIT));
        }
    }
}

uint32_t quality_area_px(const ClassMap *map, double um2)
{
    double pixels = um2 / (map->mpp * map->mpp);
    return pixels < 2 ? 2 : (uint32_t)pixels;
}

int32_t quality_radius_px(double mpp, double um)
{
    return (int32_t)fmax(1, round(um / mpp));
}

void quality_density(const QualityWork *work,
                     const DensityTables *tables,
                     const MapStrip *strip,
                     uint16_t *plane)
{
    const uint8_t *green = work->maps->rgb + strip->offset * 3 + 1;
    for (size_t i = 0; i < strip->seen; i++) {
        plane[i] = tables->channels[1][green[i * 3]];
    }
    strip_mean(strip, plane, QUALITY_DENSITY_REACH);
}

void quality_sum_counts(uint32_t *counts, size_t bins, unsigned thread_count)
{
    for (unsigned thread = 1; thread < thread_count; thread++) {
        for (size_t i = 0; i < bins; i++) {
            counts[i] += counts[thread * bins + i];
        }
    }
}

typedef struct Apply {
    const QualityWork *work;
    int32_t radius;
    QualityClass from;
    QualityClass to;
} Apply;

static void apply_strip(void *context, const MapStrip *strip)
{
    const Apply *apply = context;
    memcpy(strip->mask, apply->work->mask + strip->offset, strip->seen);
    strip_spread(strip, strip->planes[0], 1, apply->radius);
    uint8_t *classes = apply->work->quality->classes + strip->offset;
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        if (strip->mask[i] != 0 && (apply->from == QUALITY_NONE || classes[i] == apply->from)) {
            classes[i] = (uint8_t)apply->to;
        }
    }
}

void quality_apply(QualityWork *work, int32_t radius, QualityClass from, QualityClass to)
{
    Apply apply = {work, radius, from, to};
    map_strips_run(&work->strips, radius, apply_strip, &apply);
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

void quality_from_colors(const SlideMaps *maps,
                         const double white[3],
                         unsigned thread_count,
                         ClassMap *quality)
{
    int32_t reach = larger(quality_tissue_reach(quality->mpp), quality_folds_reach(quality->mpp));
    AUTO_QUALITY_WORK work;
    work_init(&work, maps, quality, reach, thread_count);
    DensityTables tables;
    density_tables_init(&tables, white);
    quality_find_tissue(&work, &tables);
    quality_find_ink(&work, &tables);
    quality_find_folds(&work, &tables);
}

void quality_from_details(const SlideMaps *maps, unsigned thread_count, ClassMap *quality)
{
    AUTO_QUALITY_WORK work;
    work_init(&work, maps, quality, quality_blur_reach(quality->mpp), thread_count);
    quality_find_blur(&work);
}
