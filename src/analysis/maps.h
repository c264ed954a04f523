/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured for each pixel of the map grid; quality and tissue are judged from it. Ten
 * bytes a pixel.
 */
#pragma once
#include "analysis/raster.h"
#include "base/attributes.h"

/* Optical densities in maps are in hundredths, at most 2.55. */
#define MAP_DENSITY_UNIT 100

typedef struct SlideMaps {
    RasterSize size;
    uint8_t *rgb;          /* mean colour, three values a pixel */
    uint8_t *plain;        /* 1 where the next two are known: enough is neither nucleus nor empty */
    uint8_t *haematoxylin; /* mean densities of that part */
    uint8_t *eosin;
    uint8_t *fine;   /* mean detail of about 1 micron; of densities, in 1/8 levels of green */
    uint8_t *coarse; /* the same of about 5 microns */
    uint8_t *white;  /* share of empty pixels, in 255ths */
    uint8_t *blood;  /* share of pixels that are red but hold no haematoxylin, in 255ths */
} SlideMaps;

void slide_maps_init(SlideMaps *maps, RasterSize size);
void slide_maps_clear(SlideMaps *maps);
#define AUTO_SLIDE_MAPS CLEANUP(slide_maps_clear) SlideMaps
