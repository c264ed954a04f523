/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on the map grid, a strip of rows at a time. A strip sees some rows beyond its own, as far as
 * the windows reach that its places are judged by: so no result depends on where it ends, threads
 * share the strips, and planes of numbers are held for a strip and not for the map.
 */
#pragma once
#include "analysis/maps.h"
#include "analysis/raster.h"
#include "base/attributes.h"

enum { STRIP_PLANES = 4 };

typedef struct MapStrip {
    unsigned thread;
    int32_t first; /* rows [first, end) are its own */
    int32_t end;
    int32_t top;      /* the first of the rows that are seen */
    RasterSize size;  /* of what is seen */
    size_t seen;      /* places that are seen; the first has this number on the map: */
    size_t offset;    /* as has the first of the planes and the mask */
    size_t own;       /* where its own places begin in the planes */
    size_t own_count; /* and how many they are */
    uint16_t *planes[STRIP_PLANES]; /* working memory for what is seen */
    uint8_t *mask;
    RasterScratch scratch;
} MapStrip;

/* The working memory of all threads. */
typedef struct MapStrips {
    RasterSize size;
    unsigned thread_count;
    int32_t reach_max;
    const PagedMemory *memory; /* that the maps lie in: its pages are let go of after a strip */
    MapStrip *strips;          /* one a thread */
} MapStrips;

/* `reach_max`: rows beyond its own that a strip may see. */
void map_strips_init(MapStrips *strips,
                     const SlideMaps *maps,
                     int32_t reach_max,
                     unsigned thread_count);
void map_strips_clear(MapStrips *strips);

/* Calls `judge` for each strip, on any thread; it writes to places of its own rows alone, and what
 * it reads of other rows nobody writes meanwhile. */
typedef void (*StripJudge)(void *context, const MapStrip *strip);
void map_strips_run(const MapStrips *strips, int32_t reach, StripJudge judge, void *context);

/* The mean of a plane over a window. */
void strip_mean(const MapStrip *strip, uint16_t *plane, int32_t radius);
/* Sets `value` in the strip's mask wherever it stands within `radius` (a square); 0: nowhere else.
 * `plane` is overwritten. */
void strip_spread(const MapStrip *strip, uint16_t *plane, uint8_t value, int32_t radius);
