/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured for each pixel of the map grid; quality and tissue are judged from it. Seven
 * bytes a pixel.
 */
#pragma once
#include "analysis/raster.h"
#include "base/attributes.h"

/* Parts of a level of green that detail is kept in. */
#define MAP_FINE_UNIT 16
#define MAP_COARSE_UNIT 4

typedef struct SlideMaps {
    RasterSize size;
    uint8_t *rgb;    /* mean colour, three values a pixel */
    uint8_t *fine;   /* mean detail of 1 micron, see measures.h */
    uint8_t *coarse; /* and of 2 to 4 microns */
    uint8_t *white;  /* share of empty places, in 255ths */
    uint8_t *blood;  /* share of places that are red but hold no haematoxylin, in 255ths */
} SlideMaps;

void slide_maps_init(SlideMaps *maps, RasterSize size);
void slide_maps_clear(SlideMaps *maps);
#define AUTO_SLIDE_MAPS CLEANUP(slide_maps_clear) SlideMaps
