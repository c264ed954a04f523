/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watershed on the heights of a mask, from the peaks down (Vincent and Soille: Watersheds in
 * digital spaces, 1991). A peak that stands less than a given depth above the pass to a higher one
 * belongs to that one: this keeps a ragged nucleus whole and splits two that touch.
 */
#pragma once
#include "analysis/raster.h"

/* Heights above this count as this. */
#define WATERSHED_HEIGHT_MAX 4095

typedef struct Watershed {
    const uint16_t *heights;
    const uint8_t *mask;
    RasterSize size;
    uint16_t depth_min; /* of a peak above its pass */
    double depth_share; /* the same as a share of the peak's height; the larger one counts */
} Watershed;

typedef struct WatershedScratch {
    uint32_t *order;  /* pixels from the highest down */
    uint32_t *parent; /* of each basin: itself or the basin that it joined */
    uint16_t *peak;
} WatershedScratch;

void watershed_scratch_init(WatershedScratch *scratch, RasterSize largest);
void watershed_scratch_clear(WatershedScratch *scratch);

/* Gives each pixel of the mask the number of its region, 1 and up, and 0 to the others. Regions
 * are 4-connected. Returns how many there are. */
uint32_t
watershed_split(const Watershed *watershed, uint32_t *labels_out, WatershedScratch *scratch);
