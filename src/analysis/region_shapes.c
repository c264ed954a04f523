/* SPDX-License-Identifier: Apache-2.0 */
/* See region_shapes.h. */
#include "analysis/region_shapes.h"

#include <assert.h>
#include <stdlib.h>

#include "analysis/hull.h"
#include "analysis/shape.h"

/* What the pixels of a region say, in pixels of the map. */
typedef struct Body {
    int64_t area;
    int64_t extent;
    double convex_area;
    HullRectangle rectangle;
} Body;

/* The doubled area of the ring, and its length in edges of pixels. */
typedef struct Outline {
    int64_t area_doubled;
    int64_t edges;
} Outline;

static int64_t shoelace(RingPoint a, RingPoint b)
{
    return (int64_t)a.x * b.y - (int64_t)b.x * a.y;
}

/* The runs of a region come row by row and, in each, from left to right. */
static Body body_of(const RegionList *regions, uint32_t region)
{
    const uint32_t *order = regions->run_order;
    uint32_t at = regions->run_offsets[region];
    uint32_t end = regions->run_offsets[region + 1];
    int32_t top = regions->runs[order[at]].row;
    int32_t bottom = regions->runs[order[end - 1]].row + 1;
    AUTO_HULL hull;
    hull_init(&hull, bottom - top);
    Body body = {.extent = 0};
    int32_t leftmost = regions->runs[order[at]].first;
    int32_t rightmost = 0;
    while (at < end) {
        int32_t row = regions->runs[order[at]].row;
        int32_t row_first = regions->runs[order[at]].first;
        int32_t row_end = row_first;
        for (; at < end && regions->runs[order[at]].row == row; at++) {
            const RegionRun *run = &regions->runs[order[at]];
            body.area += run->end - run->first;
            row_end = run->end;
        }
        hull_add_row(&hull, row, row_first, row_end);
        leftmost = row_first < leftmost ? row_first : leftmost;
        rightmost = row_end > rightmost ? row_end : rightmost;
    }
    body.extent = (int64_t)(rightmost - leftmost) * (bottom - top);
    hull_close(&hull);
    body.convex_area = (double)hull_area_doubled(&hull) / 2;
    body.rectangle = hull_rectangle(&hull);
    return body;
}

static Outline outline_of(const Ring *ring)
{
    Outline outline = {0, 0};
    for (uint32_t i = 0; i < ring->count; i++) {
        RingPoint a = ring->points[i];
        RingPoint b = ring->points[(i + 1) % ring->count];
        outline.area_doubled += shoelace(a, b);
        outline.edges += abs(b.x - a.x) + abs(b.y - a.y);
    }
    return outline;
}

/* The walk may stand at any region. */
static RegionShape region_shape(RingWalk *walk, uint32_t region)
{
    double mpp = walk->regions->map->mpp;
    double um2_per_px = mpp * mpp;
    Body body = body_of(walk->regions, region);
    RegionShape shape = {
        .area_um2 = (double)body.area * um2_per_px,
        .convex_area_um2 = body.convex_area * um2_per_px,
        .extent_um2 = (double)body.extent * um2_per_px,
        .major_axis_um = body.rectangle.longer * mpp,
        .minor_axis_um = body.rectangle.shorter * mpp,
        .solidity = (double)body.area / body.convex_area,
    };
    ring_walk_region(walk, region);
    for (const Ring *ring = ring_walk_next(walk); ring != NULL; ring = ring_walk_next(walk)) {
        Outline outline = outline_of(ring);
        double length_um = shape_outline_length(outline.edges, ring->count) * mpp;
        if (shape.perimeter_um == 0) { /* the exterior */
            shape.filled_area_um2 = (double)outline.area_doubled / 2 * um2_per_px;
            shape.roundness = shape_roundness(shape.filled_area_um2, length_um);
        }
        shape.perimeter_um += length_um;
    }
    return shape;
}

void region_shapes_take(const RegionList *regions, RegionShapes *shapes_out, int class_count)
{
    AUTO_RING_WALK walk = {.regions = NULL};
    ring_walk_init(&walk, regions);
    for (int class = 0; class < class_count; class ++) {
        shapes_out[class] = (RegionShapes){.count = 0};
    }
    for (uint32_t region = 0; region < regions->count; region++) {
        uint8_t class = region_class(regions, region);
        assert(class < class_count);
        RegionShapes *shapes = &shapes_out[class];
        RegionShape shape = region_shape(&walk, region);
        shapes->count++;
        shapes->roundness_sum += shape.roundness;
        shapes->extent_um2_sum += shape.extent_um2;
        shapes->solidity_sum += shape.solidity;
        if (shape.area_um2 > shapes->largest.area_um2) {
            shapes->largest = shape;
        }
    }
}
