/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured for each pixel of the map grid; quality and tissue are judged from it. Seven
 * bytes a pixel, which lie in a file: they are written tile by tile and read strip by strip.
 */
#pragma once
#include "analysis/paged_memory.h"
#include "analysis/raster.h"
#include "base/attributes.h"

/* Parts of a level of green that detail is kept in. */
#define MAP_FINE_UNIT 16
#define MAP_COARSE_UNIT 4

typedef struct SlideMaps {
    RasterSize size;
    uint8_t *rgb;       /* mean colour, three values a pixel */
    uint8_t *fine;      /* mean detail of 1 micron, see measures.h */
    uint8_t *coarse;    /* and of 2 to 4 microns */
    uint8_t *white;     /* share of empty places, in 255ths */
    uint8_t *blood;     /* share of places that are red but hold no haematoxylin, in 255ths */
    PagedMemory memory; /* all of them */
} SlideMaps;

/* In a file in the folder. */
MUST_CHECK bool slide_maps_open(SlideMaps *maps, RasterSize size, const char *folder, Error *error);
void slide_maps_close(SlideMaps *maps);
#define AUTO_SLIDE_MAPS CLEANUP(slide_maps_close) SlideMaps
