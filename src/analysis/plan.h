/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an analysis looks: two grids over the slide, each read from the level that suits it best,
 * and the tiles that the work is cut into.
 *
 * A block is some tiles that are read at once, since the network looks far beyond what it judges:
 * the fewer borders, the less is computed twice.
 *
 * The map grid has about 4 microns a pixel and becomes coarser by powers of two when the map would
 * exceed CLASS_MAP_PX_MAX; a pixel of it is a whole number of level 0 pixels wide. The work grid
 * is where nuclei are found: about 0.5 microns a pixel (0.33 to 0.75).
 */
#pragma once
#include "analysis/grid.h"
#include "base/attributes.h"
#include "base/error.h"

typedef struct AnalysisPlan {
    int64_t width_px; /* of level 0 */
    int64_t height_px;
    double mpp;
    Grid map;
    Grid work;
    int32_t map_width_px;
    int32_t map_height_px;
    int32_t tile_map_px; /* side of a tile on the map grid */
    int32_t tile_columns;
    int32_t tile_rows;
    int32_t margin_px;     /* work pixels that a tile sees beyond its border */
    int32_t tile_side_px;  /* work pixels of a tile with its margins, at most */
    int32_t block_columns; /* tiles of a block, at most */
    int32_t block_threads; /* that blocks are shared out to */
} AnalysisPlan;

/* `mpp` replaces the file's when > 0. ERROR_INVALID when neither is known or it is outside
 * ANALYSIS_MPP_MIN..MAX. */
MUST_CHECK bool
analysis_plan(const SlideInfo *info, double mpp, AnalysisPlan *plan_out, Error *error);

/* Only the map grid, which has `map_*`, `width_px`, `height_px` and `mpp`: for slides of up to
 * ANALYSIS_OVERVIEW_MPP_MAX. */
MUST_CHECK bool
analysis_plan_map(const SlideInfo *info, double mpp, AnalysisPlan *plan_out, Error *error);

static inline uint32_t plan_tile_count(const AnalysisPlan *plan)
{
    return (uint32_t)plan->tile_columns * (uint32_t)plan->tile_rows;
}

/* A tile on the map grid, cut at the map's border. */
GridRect plan_map_rect(const AnalysisPlan *plan, uint32_t tile);
/* The same tile on the work grid: itself, and with its margins. */
GridRect plan_core_rect(const AnalysisPlan *plan, uint32_t tile);
GridRect plan_work_rect(const AnalysisPlan *plan, uint32_t tile);
/* The pixels of the work grid that lie on the slide. */
GridRect plan_slide_rect(const AnalysisPlan *plan);

/* Another side of tiles than the usual one, in blocks for one thread; results do not depend on it.
 */
void plan_set_tiles(AnalysisPlan *plan, double tile_um);

/* Tiles of a block: those of the columns from `column` and the rows from `row` on. */
typedef struct TileBlock {
    int32_t column;
    int32_t row;
    int32_t columns;
    int32_t rows;
} TileBlock;
/* Chooses the sizes of blocks. They come row by row and become smaller towards the end, so that
 * threads that take one after the other end together; results do not depend on it. */
void plan_set_blocks(AnalysisPlan *plan, unsigned thread_count);
uint32_t plan_block_count(const AnalysisPlan *plan);
TileBlock plan_block(const AnalysisPlan *plan, uint32_t block);
