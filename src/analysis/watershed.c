/* SPDX-License-Identifier: Apache-2.0 */
/* See watershed.h. Pixels come in the order of their height (a counting sort, stable from the top
 * left), basins are joined by union-find. */
#include "analysis/watershed.h"

#include <string.h>

#include "base/alloc.h"

void watershed_scratch_init(WatershedScratch *scratch, RasterSize largest)
{
    size_t count = raster_count(largest);
    scratch->order = alloc_array(count + 2, sizeof *scratch->order);
    /* A basin begins at a pixel without an earlier neighbour: at most every second one, and 0. */
    scratch->parent = alloc_array(count / 2 + 2, sizeof *scratch->parent);
    scratch->peak = alloc_array(count / 2 + 2, sizeof *scratch->peak);
}

void watershed_scratch_clear(WatershedScratch *scratch)
{
    alloc_free(scratch->order);
    alloc_free(scratch->parent);
    alloc_free(scratch->peak);
    *scratch = (WatershedScratch){NULL, NULL, NULL};
}

static uint32_t height_at(const Watershed *watershed, size_t pixel)
{
    uint32_t height = watershed->heights[pixel];
    return height > WATERSHED_HEIGHT_MAX ? WATERSHED_HEIGHT_MAX : height;
}

/* Returns how many pixels the mask has. */
static size_t sort_pixels(const Watershed *watershed, uint32_t *order)
{
    size_t starts[WATERSHED_HEIGHT_MAX + 2] = {0};
    size_t total = raster_count(watershed->size);
    for (size_t i = 0; i < total; i++) {
        if (watershed->mask[i] != 0) {
            starts[WATERSHED_HEIGHT_MAX - height_at(watershed, i) + 1]++;
        }
    }
    for (size_t h = 1; h < WATERSHED_HEIGHT_MAX + 2; h++) {
        starts[h] += starts[h - 1];
    }
    size_t count = starts[WATERSHED_HEIGHT_MAX + 1];
    for (size_t i = 0; i < total; i++) {
        if (watershed->mask[i] != 0) {
            order[starts[WATERSHED_HEIGHT_MAX - height_at(watershed, i)]++] = (uint32_t)i;
        }
    }
    return count;
}

static uint32_t root_of(uint32_t *parent, uint32_t basin)
{
    while (parent[basin] != basin) {
        parent[basin] = parent[parent[basin]];
        basin = parent[basin];
    }
    return basin;
}

/* The basins around a pixel, each once; returns how many. */
static int basins_around(const Watershed *watershed,
                         const uint32_t *labels,
                         uint32_t *parent,
                         size_t pixel,
                         uint32_t basins_out[4])
{
    size_t width = (size_t)watershed->size.width;
    size_t x = pixel % width;
    uint32_t around[4] = {
        pixel >= width ? labels[pixel - width] : 0,
        x > 0 ? labels[pixel - 1] : 0,
        x + 1 < width ? labels[pixel + 1] : 0,
        pixel + width < raster_count(watershed->size) ? labels[pixel + width] : 0,
    };
    int count = 0;
    for (int i = 0; i < 4; i++) {
        if (around[i] == 0) {
            continue;
        }
        uint32_t root = root_of(parent, around[i]);
        bool known = false;
        for (int k = 0; k < count; k++) {
            known = known || basins_out[k] == root;
        }
        if (!known) {
            basins_out[count++] = root;
        }
    }
    return count;
}

static bool too_shallow(const Watershed *watershed, uint16_t peak, uint32_t height)
{
    double needed = watershed->depth_share * peak;
    needed = needed > watershed->depth_min ? needed : watershed->depth_min;
    return (double)(peak - height) < needed;
}

/* The basin that a pixel between `count` basins joins: the one of the highest peak. Those that the
 * pass shows to be too shallow become part of it. */
static uint32_t join_basins(const Watershed *watershed,
                            const WatershedScratch *scratch,
                            const uint32_t *basins,
                            int count,
                            uint32_t height)
{
    uint32_t best = basins[0];
    for (int i = 1; i < count; i++) {
        if (scratch->peak[basins[i]] > scratch->peak[best] ||
            (scratch->peak[basins[i]] == scratch->peak[best] && basins[i] < best)) {
            best = basins[i];
        }
    }
    for (int i = 0; i < count; i++) {
        if (basins[i] != best && too_shallow(watershed, scratch->peak[basins[i]], height)) {
            scratch->parent[basins[i]] = best;
        }
    }
    return best;
}

/* Numbers the remaining basins from 1 in the order in which they began. */
static uint32_t
renumber(const Watershed *watershed, uint32_t *labels, WatershedScratch *scratch, uint32_t basins)
{
    uint32_t count = 0;
    /* Roots begin before what joined them or not: resolve all first, then number the roots. */
    for (uint32_t basin = 1; basin <= basins; basin++) {
        scratch->parent[basin] = root_of(scratch->parent, basin);
    }
    uint32_t *number = scratch->order; /* not needed any more; longer than the basins */
    number[0] = 0;
    for (uint32_t basin = 1; basin <= basins; basin++) {
        if (scratch->parent[basin] == basin) {
            number[basin] = ++count;
        }
    }
    size_t total = raster_count(watershed->size);
    for (size_t i = 0; i < total; i++) {
        if (labels[i] != 0) {
            labels[i] = number[scratch->parent[labels[i]]];
        }
    }
    return count;
}

uint32_t
watershed_split(const Watershed *watershed, uint32_t *labels_out, WatershedScratch *scratch)
{
    memset(labels_out, 0, raster_count(watershed->size) * sizeof *labels_out);
    size_t pixel_count = sort_pixels(watershed, scratch->order);
    uint32_t basins = 0;
    for (size_t i = 0; i < pixel_count; i++) {
        size_t pixel = scratch->order[i];
        uint32_t height = height_at(watershed, pixel);
        uint32_t around[4];
        int count = basins_around(watershed, labels_out, scratch->parent, pixel, around);
        if (count == 0) {
            basins++;
            scratch->parent[basins] = basins;
            scratch->peak[basins] = (uint16_t)height;
            labels_out[pixel] = basins;
        } else {
            labels_out[pixel] = join_basins(watershed, scratch, around, count, height);
        }
    }
    return renumber(watershed, labels_out, scratch, basins);
}
