/* SPDX-License-Identifier: Apache-2.0 */
/* See raster.h. */
#include "analysis/raster.h"

#include <string.h>

#include "base/alloc.h"
#include "base/attributes.h"

enum {
    /* Added to the value of a pixel that a flood has seen. */
    SEEN = 4,
    MASK_VALUES = 2 * SEEN,
    FIRST_QUEUE = 4096, /* a power of two */
};

void raster_scratch_init(RasterScratch *scratch, RasterSize largest)
{
    scratch->plane = alloc_array(raster_count(largest), sizeof *scratch->plane);
    scratch->sums = alloc_array((size_t)largest.width, sizeof *scratch->sums);
}

void raster_scratch_clear(RasterScratch *scratch)
{
    alloc_free(scratch->plane);
    alloc_free(scratch->sums);
    *scratch = (RasterScratch){NULL, NULL};
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

/* Pixels that a flood has reached and not yet gone on from: its rim, in a ring that grows. */
typedef struct Rim {
    uint32_t *pixels;
    size_t capacity; /* a power of two */
    size_t first;    /* of all that were ever added */
    size_t end;
} Rim;

typedef struct Flood {
    uint8_t *mask;
    RasterSize size;
    /* What the pixels of a region become, by their value; what stays as it is is in none. */
    uint8_t becomes[MASK_VALUES];
    Rim rim;
    /* Of the last region. */
    size_t count;
    size_t strong_count;
    bool at_border;
} Flood;

static void cleanup_flood(Flood *flood)
{
    alloc_free(flood->rim.pixels);
}
#define AUTO_FLOOD CLEANUP(cleanup_flood) Flood

static Flood flood_of(uint8_t *mask, RasterSize size)
{
    Flood flood = {.mask = mask, .size = size};
    flood.rim = (Rim){.pixels = alloc_array(FIRST_QUEUE, sizeof *flood.rim.pixels),
                      .capacity = FIRST_QUEUE};
    return flood;
}

static void rim_grow(Rim *rim)
{
    uint32_t *pixels = alloc_array(2 * rim->capacity, sizeof *pixels);
    for (size_t i = rim->first; i < rim->end; i++) {
        pixels[i & (2 * rim->capacity - 1)] = rim->pixels[i & (rim->capacity - 1)];
    }
    alloc_free(rim->pixels);
    rim->pixels = pixels;
    rim->capacity *= 2;
}

static void visit(Flood *flood, size_t pixel)
{
    uint8_t value = flood->mask[pixel];
    if (flood->becomes[value] == value) {
        return;
    }
    flood->strong_count += value == MASK_STRONG ? 1 : 0;
    flood->mask[pixel] = flood->becomes[value];
    Rim *rim = &flood->rim;
    if (rim->end - rim->first == rim->capacity) {
        rim_grow(rim);
    }
    rim->pixels[rim->end++ & (rim->capacity - 1)] = (uint32_t)pixel;
}

/* Goes through the region of `start`. */
static void flood_region(Flood *flood, size_t start)
{
    uint32_t width = (uint32_t)flood->size.width;
    uint32_t height = (uint32_t)flood->size.height;
    Rim *rim = &flood->rim;
    rim->first = rim->end = 0;
    flood->strong_count = 0;
    flood->at_border = false;
    visit(flood, start);
    while (rim->first < rim->end) {
        uint32_t pixel = rim->pixels[rim->first++ & (rim->capacity - 1)];
        uint32_t x = pixel % width;
        uint32_t y = pixel / width;
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
    flood->count = rim->end;
}

/* The values from `first` to `last` become seen; nothing else changes. */
static void see(Flood *flood, uint8_t first, uint8_t last)
{
    for (int value = 0; value < MASK_VALUES; value++) {
        bool member = value >= first && value <= last;
        flood->becomes[value] = (uint8_t)(member ? value + SEEN : value);
    }
}

/* Goes through the region of `start` again, which has been seen, and turns it into `value`. */
static void replace_region(Flood *flood, size_t start, uint8_t value)
{
    for (int seen = 0; seen < MASK_VALUES; seen++) {
        flood->becomes[seen] = (uint8_t)(seen >= SEEN ? value : seen);
    }
    flood_region(flood, start);
}

static void remove_regions(Flood *flood, uint8_t value, uint32_t count_min, bool keep_at_border)
{
    size_t total = raster_count(flood->size);
    for (size_t start = 0; start < total; start++) {
        if (flood->mask[start] != value) {
            continue;
        }
        see(flood, value, value);
        flood_region(flood, start);
        if (flood->count < count_min && !(keep_at_border && flood->at_border)) {
            replace_region(flood, start, value == MASK_NONE ? MASK_WEAK : MASK_NONE);
        }
    }
    for (size_t i = 0; i < total; i++) {
        flood->mask[i] &= SEEN - 1;
    }
}

void raster_remove_small(uint8_t *mask, RasterSize size, uint8_t value, uint32_t count_min)
{
    AUTO_FLOOD flood = flood_of(mask, size);
    remove_regions(&flood, value, count_min, true);
}

void raster_remove_small_anywhere(uint8_t *mask, RasterSize size, uint8_t value, uint32_t count_min)
{
    AUTO_FLOOD flood = flood_of(mask, size);
    remove_regions(&flood, value, count_min, false);
}

void raster_keep_strong(uint8_t *mask, RasterSize size, uint32_t count_min)
{
    AUTO_FLOOD flood = flood_of(mask, size);
    size_t total = raster_count(size);
    for (size_t start = 0; start < total; start++) {
        if (mask[start] != MASK_WEAK && mask[start] != MASK_STRONG) {
            continue;
        }
        see(&flood, MASK_WEAK, MASK_STRONG);
        flood_region(&flood, start);
        if (flood.strong_count < count_min) {
            replace_region(&flood, start, MASK_NONE);
        }
    }
    for (size_t i = 0; i < total; i++) {
        mask[i] = mask[i] >= SEEN ? MASK_WEAK : MASK_NONE;
    }
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
