/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tile at the work grid's resolution: what the maps need of it, and its nuclei. Tiles see a
 * margin around themselves and keep the nuclei whose centroid lies within their own border or just
 * beyond; what two tiles keep both is dropped by cells_join (cells.h).
 */
#pragma once
#include "analysis/cells.h"
#include "analysis/grid.h"
#include "analysis/maps.h"
#include "analysis/nuclei.h"
#include "analysis/plan.h"
#include "analysis/stain.h"

/* What all tiles share; read only, but for the places of the maps that belong to the tile. */
typedef struct TileContext {
    const AnalysisPlan *plan;
    const StainTable *stain;
    const ClassMap *quality;
    SlideMaps *maps;
    uint16_t slide_threshold; /* density that separates nuclei, see nuclei.h */
    uint8_t white_level;      /* green at least this bright is empty */
} TileContext;

/* The buffers of one thread. */
typedef struct TileBuffers {
    GridReader reader;
    uint8_t *rgb;
    uint16_t *details; /* of green: smoothed finely … */
    uint16_t *broad;   /* … and coarsely */
    uint32_t *sums;    /* of the map pixels of the tile */
    NucleiBuffers nuclei;
} TileBuffers;

MUST_CHECK bool tile_buffers_open(TileBuffers *buffers,
                                  const AnalysisPlan *plan,
                                  const char *slide_path,
                                  Error *error);
void tile_buffers_close(TileBuffers *buffers);

/* Measures the tile's part of the maps and adds its nuclei to `cells_out`, in level 0 pixels. */
MUST_CHECK bool tile_analyze(const TileContext *context,
                             TileBuffers *buffers,
                             uint32_t tile,
                             TileCells *cells_out,
                             Error *error);
