/* SPDX-License-Identifier: Apache-2.0 */
/* See quality.h: the order of the steps, and what they share. */
#include "analysis/quality.h"

#include <math.h>
#include <string.h>

#include "analysis/quality_parts.h"
#include "analysis/regions.h"
#include "analysis/stain.h"
#include "base/alloc.h"

/* Glass is at least so bright. */
#define WHITE_MIN 232.0

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

static uint32_t count_strong(const QualityWork *work, const RegionRun *run)
{
    size_t row = (size_t)run->row * (size_t)work->maps->size.width;
    uint32_t count = 0;
    for (int32_t x = run->first; x < run->end; x++) {
        count += work->other[row + (size_t)x];
    }
    return count;
}

void quality_keep_strong(QualityWork *work, uint32_t count_min)
{
    RasterSize size = work->maps->size;
    ClassMap map = {size.width, size.height, 1, 1, work->mask};
    AUTO_REGIONS regions;
    regions_find(&map, &regions);
    for (uint32_t region = 0; region < regions.count; region++) {
        const uint32_t *first = regions.run_order + regions.run_offsets[region];
        const uint32_t *end = regions.run_order + regions.run_offsets[region + 1];
        uint32_t strong = 0;
        for (const uint32_t *i = first; i < end; i++) {
            strong += count_strong(work, &regions.runs[*i]);
        }
        for (const uint32_t *i = first; i < end && strong < count_min; i++) {
            const RegionRun *run = &regions.runs[*i];
            memset(work->mask + (size_t)run->row * (size_t)size.width + run->first, 0,
                   (size_t)(run->end - run->first));
        }
    }
}

void quality_spread(QualityWork *work, uint8_t value, int32_t radius)
{
    if (radius < 1) {
        return;
    }
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

void quality_apply(const QualityWork *work, ClassMap *quality, QualityClass from, QualityClass to)
{
    for (size_t i = 0; i < work->count; i++) {
        if (work->mask[i] != 0 && (from == QUALITY_NONE || quality->classes[i] == from)) {
            quality->classes[i] = (uint8_t)to;
        }
    }
}

void quality_from_colors(const SlideMaps *maps, const double white[3], ClassMap *quality)
{
    AUTO_QUALITY_WORK work;
    work_init(&work, maps);
    DensityTables tables;
    density_tables_init(&tables, white);
    quality_find_tissue(&work, &tables, quality);
    quality_find_ink(&work, &tables, quality);
    quality_find_folds(&work, &tables, quality);
}

void quality_from_details(const SlideMaps *maps, ClassMap *quality)
{
    AUTO_QUALITY_WORK work;
    work_init(&work, maps);
    quality_find_blur(&work, quality);
}
