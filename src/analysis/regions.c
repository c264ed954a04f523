/* SPDX-License-Identifier: Apache-2.0 */
/* Regions from the runs of each row, joined by union-find; outlines by walking; see regions.h. */
#include "analysis/regions.h"

#include <assert.h>

#include "base/alloc.h"

enum { FIRST_RUNS = 1024, FIRST_POINTS = 64 };

void regions_clear(RegionList *regions)
{
    alloc_free(regions->runs);
    alloc_free(regions->row_starts);
    alloc_free(regions->run_order);
    alloc_free(regions->run_offsets);
    *regions = (RegionList){.map = NULL};
}

static const uint8_t *map_row(const ClassMap *map, int32_t row)
{
    return map->classes + (size_t)row * (size_t)map->width_px;
}

static void add_run(RegionList *regions, RegionRun run, uint32_t *capacity)
{
    if (regions->run_count == *capacity) {
        assert(*capacity < UINT32_MAX / 2);
        *capacity *= 2;
        regions->runs = alloc_resize(regions->runs, *capacity, sizeof(RegionRun));
    }
    regions->runs[regions->run_count++] = run;
}

static void find_runs(const ClassMap *map, RegionList *regions)
{
    uint32_t capacity = FIRST_RUNS;
    regions->runs = alloc_array(capacity, sizeof(RegionRun));
    regions->row_starts = alloc_array((size_t)map->height_px + 1, sizeof(uint32_t));
    for (int32_t row = 0; row < map->height_px; row++) {
        regions->row_starts[row] = regions->run_count;
        const uint8_t *classes = map_row(map, row);
        for (int32_t x = 0; x < map->width_px;) {
            int32_t first = x;
            uint8_t class = classes[first];
            while (x < map->width_px && classes[x] == class) {
                x++;
            }
            if (class != 0) {
                add_run(regions, (RegionRun){row, first, x, regions->run_count}, &capacity);
            }
        }
    }
    regions->row_starts[map->height_px] = regions->run_count;
}

/* While regions are joined, run.region is a run of the same region with a lower number, or the
 * run itself. */
static uint32_t find_root(RegionRun *runs, uint32_t index)
{
    while (runs[index].region != index) {
        runs[index].region = runs[runs[index].region].region;
        index = runs[index].region;
    }
    return index;
}

static void join(RegionRun *runs, uint32_t a, uint32_t b)
{
    a = find_root(runs, a);
    b = find_root(runs, b);
    if (a < b) {
        runs[b].region = a;
    } else {
        runs[a].region = b;
    }
}

static uint8_t run_class(const RegionList *regions, const RegionRun *run)
{
    return map_row(regions->map, run->row)[run->first];
}

static void join_row(RegionList *regions, int32_t row)
{
    RegionRun *runs = regions->runs;
    uint32_t above = regions->row_starts[row - 1];
    uint32_t below = regions->row_starts[row];
    uint32_t above_end = below;
    uint32_t below_end = regions->row_starts[row + 1];
    while (above < above_end && below < below_end) {
        bool overlap = runs[above].first < runs[below].end && runs[below].first < runs[above].end;
        if (overlap && run_class(regions, &runs[above]) == run_class(regions, &runs[below])) {
            join(runs, above, below);
        }
        if (runs[above].end < runs[below].end) {
            above++;
        } else {
            below++;
        }
    }
}

/* Replaces the roots by numbers from 0 on. A root is the first of its runs. */
static void number_regions(RegionList *regions)
{
    RegionRun *runs = regions->runs;
    for (uint32_t i = 0; i < regions->run_count; i++) {
        runs[i].region = runs[i].region == i ? regions->count++ : runs[runs[i].region].region;
    }
}

static void order_runs(RegionList *regions)
{
    uint32_t *offsets = alloc_zeroed((size_t)regions->count + 2, sizeof(uint32_t));
    regions->run_order = alloc_array((size_t)regions->run_count + 1, sizeof(uint32_t));
    for (uint32_t i = 0; i < regions->run_count; i++) {
        offsets[regions->runs[i].region + 2]++;
    }
    for (uint32_t i = 2; i < regions->count + 2; i++) {
        offsets[i] += offsets[i - 1];
    }
    /* offsets[r + 1] is where the next run of r goes; in the end it is where r + 1 begins. */
    for (uint32_t i = 0; i < regions->run_count; i++) {
        regions->run_order[offsets[regions->runs[i].region + 1]++] = i;
    }
    regions->run_offsets = offsets;
}

void regions_find(const ClassMap *map, RegionList *regions_out)
{
    RegionList regions = {.map = map};
    find_runs(map, &regions);
    for (int32_t row = 1; row < map->height_px; row++) {
        join_row(&regions, row);
    }
    for (uint32_t i = 0; i < regions.run_count; i++) {
        regions.runs[i].region = find_root(regions.runs, i);
    }
    number_regions(&regions);
    order_runs(&regions);
    *regions_out = regions;
}

uint8_t region_class(const RegionList *regions, uint32_t region)
{
    uint32_t first = regions->run_order[regions->run_offsets[region]];
    return run_class(regions, &regions->runs[first]);
}

static void ring_clear(Ring *ring)
{
    alloc_free(ring->points);
    *ring = (Ring){.points = NULL};
}

static void ring_add(Ring *ring, int32_t x, int32_t y)
{
    if (ring->count == ring->capacity) {
        ring->capacity = ring->capacity == 0 ? FIRST_POINTS : 2 * ring->capacity;
        ring->points = alloc_resize(ring->points, ring->capacity, sizeof(RingPoint));
    }
    ring->points[ring->count++] = (RingPoint){x, y};
}

void ring_walk_init(RingWalk *walk, const RegionList *regions)
{
    const ClassMap *map = regions->map;
    size_t pixel_count = (size_t)map->width_px * (size_t)map->height_px;
    *walk = (RingWalk){.regions = regions, .walked = alloc_zeroed(pixel_count / 8 + 1, 1)};
}

void ring_walk_clear(RingWalk *walk)
{
    alloc_free(walk->walked);
    ring_clear(&walk->ring);
    *walk = (RingWalk){.regions = NULL};
}

void ring_walk_region(RingWalk *walk, uint32_t region)
{
    walk->region = region;
    walk->next = walk->regions->run_offsets[region];
}

static size_t bit_index(const RingWalk *walk, int32_t x, int32_t y)
{
    return (size_t)y * (size_t)walk->regions->map->width_px + (size_t)x;
}

static bool is_walked(const RingWalk *walk, int32_t x, int32_t y)
{
    size_t index = bit_index(walk, x, y);
    return (walk->walked[index / 8] >> (index % 8) & 1) != 0;
}

static void set_walked(RingWalk *walk, int32_t x, int32_t y)
{
    size_t index = bit_index(walk, x, y);
    walk->walked[index / 8] |= (uint8_t)(1 << (index % 8));
}

/* The region of a pixel that has a class. */
static uint32_t region_at(const RegionList *regions, int32_t x, int32_t y)
{
    uint32_t low = regions->row_starts[y];
    uint32_t high = regions->row_starts[y + 1];
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (regions->runs[middle].first <= x) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return regions->runs[low].region;
}

static bool has_class(const ClassMap *map, int32_t x, int32_t y, uint8_t class)
{
    return x >= 0 && y >= 0 && x < map->width_px && y < map->height_px &&
           map_row(map, y)[x] == class;
}

/* The four ways along the edges, each a right turn of the one before (y goes down). A walker at
 * the corner (x, y) sees the pixels ahead at these places to its left and right. */
typedef struct Heading {
    int32_t x, y;             /* one step */
    int32_t left_x, left_y;   /* the pixel ahead on the left, from the corner */
    int32_t right_x, right_y; /* the pixel ahead on the right */
} Heading;

enum { HEADING_DOWN = 1, HEADING_UP = 3, HEADING_COUNT = 4 };
static const Heading HEADINGS[HEADING_COUNT] = {
    {1, 0, 0, -1, 0, 0},    /* to the right */
    {0, 1, 0, 0, -1, 0},    /* down */
    {-1, 0, -1, 0, -1, -1}, /* to the left */
    {0, -1, -1, -1, 0, -1}, /* up */
};

/* The region is on the walker's right. It follows one pixel outside, also past a corner where the
 * region goes on with another pixel: so both sides of a ring hang together by pixel sides. */
static int turn(const RingWalk *walk, RingPoint at, int heading, uint8_t class)
{
    const ClassMap *map = walk->regions->map;
    const Heading *way = &HEADINGS[heading];
    bool right = has_class(map, at.x + way->right_x, at.y + way->right_y, class);
    bool left = has_class(map, at.x + way->left_x, at.y + way->left_y, class);
    if (left && !right) {
        left = region_at(walk->regions, at.x + way->left_x, at.y + way->left_y) == walk->region;
    }
    if (left) {
        return (heading + HEADING_COUNT - 1) % HEADING_COUNT;
    }
    return right ? heading : (heading + 1) % HEADING_COUNT;
}

/* From the left side of a pixel of the region, upwards, until it is there again. */
static void walk_ring(RingWalk *walk, const RegionRun *start)
{
    uint8_t class = run_class(walk->regions, start);
    RingPoint at = {start->first, start->row + 1};
    int heading = HEADING_UP;
    walk->ring.count = 0;
    do {
        at.x += HEADINGS[heading].x;
        at.y += HEADINGS[heading].y;
        if (heading == HEADING_UP) {
            set_walked(walk, at.x, at.y);
        }
        int next = turn(walk, at, heading, class);
        if (next != heading) {
            ring_add(&walk->ring, at.x, at.y);
        }
        heading = next;
    } while (at.x != start->first || at.y != start->row + 1 || heading != HEADING_UP);
}

const Ring *ring_walk_next(RingWalk *walk)
{
    const RegionList *regions = walk->regions;
    while (walk->next < regions->run_offsets[walk->region + 1]) {
        const RegionRun *run = &regions->runs[regions->run_order[walk->next++]];
        if (!is_walked(walk, run->first, run->row)) {
            walk_ring(walk, run);
            return &walk->ring;
        }
    }
    return NULL;
}
