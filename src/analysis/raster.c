/* SPDX-License-Identifier: Apache-2.0 */
/* See raster.h. */
#include "analysis/raster.h"

#include <string.h>

#include "base/alloc.h"

/* Marks a pixel of a mask that a flood has seen. */
enum { SEEN = 2 };

void raster_scratch_init(RasterScratch *scratch, RasterSize largest)
{
    scratch->plane = alloc_array(raster_count(largest), sizeof *scratch->plane);
    scratch->sums = alloc_array((size_t)largest.width, sizeof *scratch->sums);
    scratch->pixels = alloc_array(raster_count(largest), sizeof *scratch->pixels);
}

void raster_scratch_clear(RasterScratch *scratch)
{
    alloc_free(scratch->plane);
    alloc_free(scratch->sums);
    alloc_free(scratch->pixels);
    *scratch = (RasterScratch){NULL, NULL, NULL};
}

static void mean_of_row(const uint16_t *in, uint16_t *out, int32_t width, int32_t radius)
{
    uint32_t sum = 0;
    int32_t count = 0;
    for (int32_t x = 0; x < radius && x < width; x++) {
        sum += in[x];
        count++;
    }
    float reciprocal = 0;
    for (int32_t x = 0; x < width; x++) {
        int32_t before = count;
        if (x + radius < width) {
            sum += in[x + radius];
            count++;
        }
        if (x - radius - 1 >= 0) {
            sum -= in[x - radius - 1];
            count--;
        }
        if (count != before || x == 0) {
            reciprocal = 1.0F / (float)count;
        }
        out[x] = (uint16_t)((float)sum * reciprocal + 0.5F);
    }
}

static void add_row(uint32_t *sums, const uint16_t *row, int32_t width)
{
    for (int32_t x = 0; x < width; x++) {
        sums[x] += row[x];
    }
}

static void subtract_row(uint32_t *sums, const uint16_t *row, int32_t width)
{
    for (int32_t x = 0; x < width; x++) {
        sums[x] -= row[x];
    }
}

static void
mean_of_columns(const uint16_t *in, uint16_t *out, RasterSize size, int32_t radius, uint32_t *sums)
{
    size_t width = (size_t)size.width;
    memset(sums, 0, width * sizeof *sums);
    uint32_t count = 0;
    for (int32_t y = 0; y < radius && y < size.height; y++) {
        add_row(sums, in + (size_t)y * width, size.width);
        count++;
    }
    for (int32_t y = 0; y < size.height; y++) {
        if (y + radius < size.height) {
            add_row(sums, in + (size_t)(y + radius) * width, size.width);
            count++;
        }
        if (y - radius - 1 >= 0) {
            subtract_row(sums, in + (size_t)(y - radius - 1) * width, size.width);
            count--;
        }
        /* Division by a constant of the row: one multiplication a pixel is enough (sums stay
         * below 2^16 * count, and the error of the reciprocal below half a unit). */
        float reciprocal = 1.0F / (float)count;
        uint16_t *target = out + (size_t)y * width;
        for (size_t x = 0; x < width; x++) {
            target[x] = (uint16_t)((float)sums[x] * reciprocal + 0.5F);
        }
    }
}

void raster_box_mean(
    const uint16_t *in, uint16_t *out, RasterSize size, int32_t radius, RasterScratch *scratch)
{
    for (int32_t y = 0; y < size.height; y++) {
        size_t at = (size_t)y * (size_t)size.width;
        mean_of_row(in + at, scratch->plane + at, size.width, radius);
    }
    mean_of_columns(scratch->plane, out, size, radius, scratch->sums);
}

typedef struct Flood {
    uint8_t *mask;
    RasterSize size;
    uint8_t value;
    uint32_t *pixels; /* those of the region, in the order they were met */
    size_t count;
    bool at_border;
} Flood;

static void visit(Flood *flood, size_t pixel)
{
    if (flood->mask[pixel] == flood->value) {
        flood->mask[pixel] = SEEN;
        flood->pixels[flood->count++] = (uint32_t)pixel;
    }
}

/* Collects the region of `start` and marks it as seen. */
static void flood_region(Flood *flood, size_t start)
{
    size_t width = (size_t)flood->size.width;
    size_t height = (size_t)flood->size.height;
    flood->count = 0;
    flood->at_border = false;
    visit(flood, start);
    for (size_t i = 0; i < flood->count; i++) {
        size_t pixel = flood->pixels[i];
        size_t x = pixel % width;
        size_t y = pixel / width;
        if (x == 0 || y == 0 || x + 1 == width || y + 1 == height) {
            flood->at_border = true;
        }
        if (x > 0) {
            visit(flood, pixel - 1);
        }
        if (x + 1 < width) {
            visit(flood, pixel + 1);
        }
        if (y > 0) {
            visit(flood, pixel - width);
        }
        if (y + 1 < height) {
            visit(flood, pixel + width);
        }
    }
}

static void remove_regions(Flood *flood, uint32_t count_min, bool keep_at_border)
{
    size_t total = raster_count(flood->size);
    uint8_t other = flood->value == 0 ? 1 : 0;
    for (size_t start = 0; start < total; start++) {
        if (flood->mask[start] != flood->value) {
            continue;
        }
        flood_region(flood, start);
        if (flood->count < count_min && !(keep_at_border && flood->at_border)) {
            for (size_t i = 0; i < flood->count; i++) {
                flood->mask[flood->pixels[i]] = other;
            }
        }
    }
    for (size_t i = 0; i < total; i++) {
        if (flood->mask[i] == SEEN) {
            flood->mask[i] = flood->value;
        }
    }
}

void raster_remove_small(
    uint8_t *mask, RasterSize size, uint8_t value, uint32_t count_min, RasterScratch *scratch)
{
    Flood flood = {.mask = mask, .size = size, .value = value, .pixels = scratch->pixels};
    remove_regions(&flood, count_min, true);
}

void raster_remove_small_anywhere(
    uint8_t *mask, RasterSize size, uint8_t value, uint32_t count_min, RasterScratch *scratch)
{
    Flood flood = {.mask = mask, .size = size, .value = value, .pixels = scratch->pixels};
    remove_regions(&flood, count_min, false);
}

uint32_t raster_otsu(const uint32_t *histogram, uint32_t bins)
{
    double total = 0;
    double moment = 0;
    for (uint32_t i = 0; i < bins; i++) {
        total += histogram[i];
        moment += (double)i * histogram[i];
    }
    double below = 0;
    double below_moment = 0;
    double best = -1;
    uint32_t first = 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i + 1 < bins; i++) {
        below += histogram[i];
        below_moment += (double)i * histogram[i];
        double above = total - below;
        if (below == 0 || above == 0) {
            continue;
        }
        double distance = below_moment / below - (moment - below_moment) / above;
        double between = below * above * distance * distance;
        if (between > best) {
            best = between;
            first = i;
        }
        if (between >= best) {
            last = i;
        }
    }
    return (first + last) / 2;
}
