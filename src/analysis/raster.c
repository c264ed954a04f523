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
    FIRST_QUEUE = 1024, /* a power of two */
    PIXELS_AT_ONCE = 16,
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

/* Pixels side by side in a row. */
typedef struct Run {
    int32_t row;
    int32_t first;
    int32_t end;
} Run;

/* Runs that a flood has reached and not yet gone on from: its rim, in a ring that grows. */
typedef struct Rim {
    Run *runs;
    size_t capacity; /* a power of two */
    size_t first;    /* of all that were ever added */
    size_t end;
} Rim;

typedef struct Flood {
    uint8_t *mask;
    RasterSize size;
    /* The region's pixels have values from `low` to `high`, and get others: the bits that are kept,
     * and those that are added. */
    uint8_t low;
    uint8_t high;
    uint8_t kept;
    uint8_t added;
    Rim rim;
    /* Of the last region. */
    size_t count;
    size_t strong_count;
    bool at_border;
} Flood;

static void cleanup_flood(Flood *flood)
{
    alloc_free(flood->rim.runs);
}
#define AUTO_FLOOD CLEANUP(cleanup_flood) Flood

static Flood flood_of(uint8_t *mask, RasterSize size)
{
    Flood flood = {.mask = mask, .size = size};
    flood.rim =
        (Rim){.runs = alloc_array(FIRST_QUEUE, sizeof *flood.rim.runs), .capacity = FIRST_QUEUE};
    return flood;
}

static void rim_add(Rim *rim, Run run)
{
    if (rim->end - rim->first == rim->capacity) {
        Run *runs = alloc_array(2 * rim->capacity, sizeof *runs);
        for (size_t i = rim->first; i < rim->end; i++) {
            runs[i & (2 * rim->capacity - 1)] = rim->runs[i & (rim->capacity - 1)];
        }
        alloc_free(rim->runs);
        rim->runs = runs;
        rim->capacity *= 2;
    }
    rim->runs[rim->end++ & (rim->capacity - 1)] = run;
}

static uint8_t *row_at(const Flood *flood, int32_t row)
{
    return flood->mask + (size_t)row * (size_t)flood->size.width;
}

static bool is_member(const Flood *flood, uint8_t value)
{
    return value >= flood->low && value <= flood->high;
}

/* How many of PIXELS_AT_ONCE pixels are in the region: without branches, so that the compiler
 * looks at all of them in one step. */
static int count_members(const Flood *flood, const uint8_t *values)
{
    uint8_t low = flood->low;
    uint8_t range = (uint8_t)(flood->high - low);
    uint8_t count = 0;
    for (int i = 0; i < PIXELS_AT_ONCE; i++) {
        count = (uint8_t)(count + ((uint8_t)(values[i] - low) <= range));
    }
    return count;
}

/* The first pixel of a row from `x` on that is in the region, or is not; `end` without one. */
static size_t find(const Flood *flood, const uint8_t *values, size_t x, size_t end, bool member)
{
    int unwanted = member ? 0 : PIXELS_AT_ONCE;
    while (x + PIXELS_AT_ONCE <= end && count_members(flood, values + x) == unwanted) {
        x += PIXELS_AT_ONCE;
    }
    while (x < end && is_member(flood, values[x]) != member) {
        x++;
    }
    return x;
}

/* Takes the whole run around a pixel of the region; returns its end. */
static int32_t take_run(Flood *flood, int32_t row, int32_t x)
{
    uint8_t *values = row_at(flood, row);
    size_t width = (size_t)flood->size.width;
    int32_t first = x;
    while (first > 0 && is_member(flood, values[first - 1])) {
        first--;
    }
    int32_t end = (int32_t)find(flood, values, (size_t)x, width, false);
    size_t strong = 0;
    for (int32_t i = first; i < end; i++) {
        strong += values[i] == MASK_STRONG;
        values[i] = (uint8_t)((values[i] & flood->kept) | flood->added);
    }
    flood->strong_count += strong;
    flood->count += (size_t)(end - first);
    flood->at_border = flood->at_border || row == 0 || row + 1 == flood->size.height ||
                       first == 0 || end == flood->size.width;
    rim_add(&flood->rim, (Run){row, first, end});
    return end;
}

/* Takes what lies beside a run in the row above or below it. */
static void take_beside(Flood *flood, const Run *run, int32_t row)
{
    if (row < 0 || row >= flood->size.height) {
        return;
    }
    const uint8_t *values = row_at(flood, row);
    size_t end = (size_t)run->end;
    size_t x = find(flood, values, (size_t)run->first, end, true);
    while (x < end) {
        x = find(flood, values, (size_t)take_run(flood, row, (int32_t)x), end, true);
    }
}

/* Goes through the region of `start`. */
static void flood_region(Flood *flood, size_t start)
{
    size_t width = (size_t)flood->size.width;
    Rim *rim = &flood->rim;
    rim->first = rim->end = 0;
    flood->count = 0;
    flood->strong_count = 0;
    flood->at_border = false;
    (void)take_run(flood, (int32_t)(start / width), (int32_t)(start % width));
    while (rim->first < rim->end) {
        Run run = rim->runs[rim->first++ & (rim->capacity - 1)];
        take_beside(flood, &run, run.row - 1);
        take_beside(flood, &run, run.row + 1);
    }
}

/* Goes on with pixels of the values from `low` to `high`, which become seen. */
static void see(Flood *flood, uint8_t low, uint8_t high)
{
    flood->low = low;
    flood->high = high;
    flood->kept = SEEN - 1;
    flood->added = SEEN;
}

/* Goes through the region of `start` again, which has been seen, and turns it into `value`. */
static void replace_region(Flood *flood, size_t start, uint8_t value)
{
    flood->low = SEEN;
    flood->high = MASK_VALUES - 1;
    flood->kept = 0;
    flood->added = value;
    flood_region(flood, start);
}

/* Goes through the next region from `start` on; false when there is none. */
static bool see_next(Flood *flood, size_t *start, uint8_t low, uint8_t high)
{
    see(flood, low, high);
    size_t total = raster_count(flood->size);
    *start = find(flood, flood->mask, *start, total, true);
    if (*start == total) {
        return false;
    }
    flood_region(flood, *start);
    return true;
}

static void remove_regions(Flood *flood, uint8_t value, uint32_t count_min, bool keep_at_border)
{
    for (size_t start = 0; see_next(flood, &start, value, value);) {
        if (flood->count < count_min && !(keep_at_border && flood->at_border)) {
            replace_region(flood, start, value == MASK_NONE ? MASK_WEAK : MASK_NONE);
        }
    }
    size_t total = raster_count(flood->size);
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
    for (size_t start = 0; see_next(&flood, &start, MASK_WEAK, MASK_STRONG);) {
        if (flood.strong_count < count_min) {
            replace_region(&flood, start, MASK_NONE);
        }
    }
    size_t total = raster_count(size);
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
