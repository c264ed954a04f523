/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outline and shape of one nucleus, from its centre: what hangs together with the centre, is
 * within a nucleus for the network, and lies nearer to this centre than to any other. All of it
 * depends on what is within a few microns of the centre alone, never on tiles.
 */
#pragma once
#include "analysis/centres.h"
#include "analysis/outline.h"
#include "analysis/raster.h"
#include "analysis/result.h"
#include "analysis/stain.h"

/* No pixel of a nucleus is farther from its centre. */
#define NUCLEUS_RADIUS_UM_MAX 10.0
/* The same for the coarsest and finest work grid. */
#define NUCLEUS_RADIUS_PX_MAX 32

/* A part of the work grid, and what was found in it. */
typedef struct NucleiTile {
    GridRect rect; /* lies within that of the centres */
    const uint8_t *rgb;
    GridRect inside; /* the part of rect where nuclei may be, on the work grid */
    double mpp;
    const StainTable *stain;
    const Centres *centres;
} NucleiTile;

typedef struct Nucleus {
    Cell cell; /* in pixels of the work grid and microns; no class yet */
    CellKinds kinds;
    CellPoint points[OUTLINE_THIN_POINTS_MAX]; /* likewise */
} Nucleus;

typedef struct NucleusWork NucleusWork;
MUST_CHECK NucleusWork *nucleus_work_create(void);
void nucleus_work_destroy(NucleusWork *work);

/* Finds the pixels of centre `index`, whose surroundings lie within the tile, and sets them to 1 in
 * `mask`, which has one byte for each pixel of the tile. */
void nucleus_find(const NucleiTile *tile, uint32_t index, NucleusWork *work, uint8_t *mask);
/* Outline, shape and kind of the nucleus that was found last. */
void nucleus_measure(const NucleiTile *tile, NucleusWork *work, Nucleus *nucleus_out);
