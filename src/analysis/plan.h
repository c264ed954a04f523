/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an analysis looks: two grids over the slide, each read from the level that suits it best,
 * and the tiles that the work is cut into.
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
    int32_t margin_px;    /* work pixels that a tile sees beyond its border */
    int32_t tile_side_px; /* work pixels of a tile with its margins, at most */
} AnalysisPlan;

/* `mpp` replaces the file's when > 0. ERROR_INVALID when neither is known or it is outside
 * ANALYSIS_MPP_MIN..MAX. */
MUST_CHECK bool
analysis_plan(const SlideInfo *info, double mpp, AnalysisPlan *plan_out, Error *error);

static inline uint32_t plan_tile_count(const AnalysisPlan *plan)
{
    return (uint32_t)plan->tile_columns * (uint32_t)plan->tile_rows;
}

/* A tile on the map grid, cut at the map's border. */
GridRect plan_map_rect(const AnalysisPlan *plan, uint32_t tile);
/* The same tile on the work grid, with its margins. */
GridRect plan_work_rect(const AnalysisPlan *plan, uint32_t tile);
/* The map pixel of the middle of a work pixel; it may lie outside the map. */
static inline int64_t plan_map_index(const AnalysisPlan *plan, int64_t work_index)
{
    double level_0_px = ((double)work_index + 0.5) * plan->work.scale;
    return level_0_px < 0 ? -1 : (int64_t)(level_0_px / plan->map.scale);
}
