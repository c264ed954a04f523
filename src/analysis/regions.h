/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions of a class map: the places of one class that hang together by their sides, and their
 * outlines along the edges of the pixels.
 *
 * A region is a polygon: one exterior ring, then its holes. Pixels of a region touch by their
 * sides (a corner is not enough), and so do the pixels of what a ring leaves out. Therefore no
 * ring meets itself, also where two pixels touch at a corner; rings of one polygon may meet in
 * single points. Exterior rings are counterclockwise and holes clockwise in the sense of RFC 7946
 * (the signed area of (x, y) as the numbers stand is positive for an exterior).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "analysis/result.h"

/* Pixels [first, end) of one row, all of one region. */
typedef struct RegionRun {
    int32_t row;
    int32_t first;
    int32_t end;
    uint32_t region;
} RegionRun;

typedef struct RegionList {
    const ClassMap *map; /* borrowed */
    RegionRun *runs;     /* row by row, from left to right */
    uint32_t run_count;
    uint32_t *row_starts;  /* height + 1: the first run of each row */
    uint32_t *run_order;   /* run numbers, region by region, in their order within each */
    uint32_t *run_offsets; /* count + 1: where a region begins in run_order */
    uint32_t count;        /* numbered in the order of their first runs */
} RegionList;

/* What has no class (0) is in no region. */
void regions_find(const ClassMap *map, RegionList *regions_out);
void regions_clear(RegionList *regions);
#define AUTO_REGIONS CLEANUP(regions_clear) RegionList

uint8_t region_class(const RegionList *regions, uint32_t region);

/* Corner of a pixel, in pixels of the map. */
typedef struct RingPoint {
    int32_t x;
    int32_t y;
} RingPoint;

/* A ring's corners, the first not repeated at the end. */
typedef struct Ring {
    RingPoint *points;
    uint32_t count;
    uint32_t capacity;
} Ring;

/* Walks over the rings of one region after the other. */
typedef struct RingWalk {
    const RegionList *regions;
    uint8_t *walked; /* one bit a pixel: its left side is part of a ring that was given */
    uint32_t region;
    uint32_t next; /* in run_order */
    Ring ring;
} RingWalk;

void ring_walk_init(RingWalk *walk, const RegionList *regions);
void ring_walk_clear(RingWalk *walk);
#define AUTO_RING_WALK CLEANUP(ring_walk_clear) RingWalk
/* Goes to a region, each once and in any order. */
void ring_walk_region(RingWalk *walk, uint32_t region);
/* The next ring of the region, the exterior first; NULL after the last. Valid until the next call.
 */
const Ring *ring_walk_next(RingWalk *walk);
