/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tile at the work grid's resolution: what the maps need of it, and its nuclei. Tiles see a
 * margin around themselves and keep the nuclei whose centre lies in their own pixels of the map:
 * each in one tile alone.
 */
#pragma once
#include "analysis/cells.h"
#include "analysis/maps.h"
#include "analysis/measures.h"
#include "analysis/nuclei.h"
#include "analysis/plan.h"
#include "analysis/stain.h"

/* What all tiles share; read only, but for the places of the maps that belong to the tile. */
typedef struct TileContext {
    const AnalysisPlan *plan;
    const StainTable *stain;
    const ClassMap *quality;
    SlideMaps *maps;
    const Network *network;
    uint8_t white_level; /* green at least this bright is empty */
} TileContext;

/* The buffers of one thread. */
typedef struct TileBuffers {
    uint8_t *rgb;
    uint8_t *mask; /* 1 in nuclei */
    MeasureBuffers measures;
    NucleusWork *nucleus;
} TileBuffers;

void tile_buffers_init(TileBuffers *buffers, const AnalysisPlan *plan);
void tile_buffers_clear(TileBuffers *buffers);

bool tile_has_tissue(const TileContext *context, uint32_t tile);

/* A tile, and what was read and found in a larger part of the slide that holds it. */
typedef struct TileSource {
    uint32_t tile;
    const uint8_t *rgb; /* of centres->rect */
    const Centres *centres;
} TileSource;

/* Measures the tile's part of the maps and adds its nuclei to `cells_out`, in level 0 pixels. */
void tile_analyze(const TileContext *context,
                  TileBuffers *buffers,
                  const TileSource *source,
                  TileCells *cells_out);
