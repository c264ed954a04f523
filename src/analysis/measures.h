/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the maps need of one tile at the work grid's resolution: empty places, blood, and the fine
 * and coarse detail whose ratio tells focus.
 *
 * All is measured in blocks of 4 x 4 pixels that stand on the work grid's origin and belong to the
 * map pixel that their middle lies in: so no number depends on how the slide is cut into tiles.
 */
#pragma once
#include "analysis/maps.h"
#include "analysis/plan.h"
#include "analysis/stain.h"

enum { MEASURE_BLOCK_PX = 4 };

/* One tile's pixels. `work` reaches at least 8 pixels beyond the part of it that `map` covers, or
 * to the end of the slide. */
typedef struct MeasureView {
    const AnalysisPlan *plan;
    const StainTable *stain;
    GridRect map;        /* the map pixels to fill */
    GridRect work;       /* where `rgb` lies on the work grid */
    GridRect inside;     /* the part of it that lies on the slide, relative to `work` */
    const uint8_t *rgb;  /* work.width * work.height */
    uint8_t white_level; /* green at least this bright is empty */
} MeasureView;

/* The working memory of one thread. */
typedef struct MeasureBuffers {
    uint16_t *blocks; /* the green of each block of the view, summed */
    uint32_t *sums;   /* of each map pixel of the view */
} MeasureBuffers;

void measure_buffers_init(MeasureBuffers *buffers, const AnalysisPlan *plan);
void measure_buffers_clear(MeasureBuffers *buffers);

/* Fills the maps at the places of `view->map`, but for the mean colour. */
void measure_maps(const MeasureView *view, MeasureBuffers *buffers, SlideMaps *maps);
