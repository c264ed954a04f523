/* SPDX-License-Identifier: Apache-2.0 */
/* See plan.h. */
#include "analysis/plan.h"

#include <math.h>

#include "analysis/analysis.h"

#define MAP_UM 4.0
#define WORK_UM 0.5
/* Whole pixels of a level make a pixel of the work grid where it is then near enough to what the
 * network has learned. Of levels coarser than the latter a finer one is taken. */
#define WORK_UM_MIN 0.42
#define WORK_UM_MAX 0.58
#define TILE_UM 512.0
/* Tiles of a block in each direction: 4096 work pixels, which the network's margin makes a fifth
 * more. */
#define BLOCK_SIDE_MAX 4
/* Threads finish together when a block is a small part of what is left: then each has so many more.
 */
#define BLOCKS_LEFT_PER_THREAD 2
/* A nucleus, and what the local threshold around it looks at. */
#define MARGIN_UM 32.0

static bool
choose_mpp(const SlideInfo *info, double mpp, double mpp_max, double *mpp_out, Error *error)
{
    double chosen = mpp > 0 ? mpp : info->mpp;
    if (!(chosen > 0) && !slide_check_square(info, error)) {
        return false;
    }
    if (!(chosen > 0)) {
        return error_set(error, ERROR_INVALID,
                         "The resolution of the slide is unknown: the file does not say its "
                         "microns per pixel and none was given");
    }
    if (chosen < ANALYSIS_MPP_MIN || chosen > mpp_max) {
        return error_set(error, ERROR_INVALID,
                         "The slide has %.4g microns per pixel; %.2f to %.2f can be analysed",
                         chosen, ANALYSIS_MPP_MIN, mpp_max);
    }
    *mpp_out = chosen;
    return true;
}

/* The coarsest level of at most that many level 0 pixels a pixel; level 0 when there is none. */
static int coarsest_level(const SlideInfo *info, double downsample_max)
{
    int best = 0;
    for (int i = 1; i < info->level_count; i++) {
        if (info->levels[i].downsample <= downsample_max &&
            info->levels[i].downsample > info->levels[best].downsample) {
            best = i;
        }
    }
    return best;
}

static Grid make_grid(const SlideInfo *info, double mpp, int level, double scale)
{
    double downsample = info->levels[level].downsample;
    return (Grid){level, scale / downsample, scale, scale * mpp};
}

static int64_t divide_up(int64_t value, int64_t by)
{
    return (value + by - 1) / by;
}

static void plan_map(const SlideInfo *info, AnalysisPlan *plan)
{
    int64_t scale = (int64_t)fmax(1, round(MAP_UM / plan->mpp));
    while (divide_up(plan->width_px, scale) * divide_up(plan->height_px, scale) >
           CLASS_MAP_PX_MAX) {
        scale *= 2;
    }
    plan->map_width_px = (int32_t)divide_up(plan->width_px, scale);
    plan->map_height_px = (int32_t)divide_up(plan->height_px, scale);
    int level = coarsest_level(info, (double)scale * 1.001);
    plan->map = make_grid(info, plan->mpp, level, (double)scale);
}

static void plan_work(const SlideInfo *info, AnalysisPlan *plan)
{
    int level = coarsest_level(info, WORK_UM_MAX / plan->mpp);
    double level_mpp = info->levels[level].downsample * plan->mpp;
    double ratio = fmax(1, round(WORK_UM / level_mpp));
    if (ratio * level_mpp < WORK_UM_MIN || ratio * level_mpp > WORK_UM_MAX) {
        ratio = WORK_UM / level_mpp;
    }
    plan->work = make_grid(info, plan->mpp, level, ratio * info->levels[level].downsample);
    plan->work.ratio = ratio;
}

bool analysis_plan_map(const SlideInfo *info, double mpp, AnalysisPlan *plan_out, Error *error)
{
    AnalysisPlan plan = {.width_px = info->levels[0].width_px,
                         .height_px = info->levels[0].height_px};
    if (!choose_mpp(info, mpp, ANALYSIS_OVERVIEW_MPP_MAX, &plan.mpp, error)) {
        return false;
    }
    plan_map(info, &plan);
    *plan_out = plan;
    return true;
}

bool analysis_plan(const SlideInfo *info, double mpp, AnalysisPlan *plan_out, Error *error)
{
    AnalysisPlan plan = {.width_px = info->levels[0].width_px,
                         .height_px = info->levels[0].height_px};
    if (!choose_mpp(info, mpp, ANALYSIS_MPP_MAX, &plan.mpp, error)) {
        return false;
    }
    plan_map(info, &plan);
    plan_work(info, &plan);
    plan.margin_px = (int32_t)ceil(MARGIN_UM / plan.work.mpp);
    plan_set_tiles(&plan, TILE_UM);
    *plan_out = plan;
    return true;
}

void plan_set_tiles(AnalysisPlan *plan, double tile_um)
{
    plan->tile_map_px = (int32_t)fmax(1, round(tile_um / plan->map.mpp));
    plan->tile_columns = (int32_t)divide_up(plan->map_width_px, plan->tile_map_px);
    plan->tile_rows = (int32_t)divide_up(plan->map_height_px, plan->tile_map_px);
    plan->tile_side_px = (int32_t)ceil(plan->tile_map_px * plan->map.scale / plan->work.scale) + 2 +
                         2 * plan->margin_px;
    plan_set_blocks(plan, 1);
}

static int32_t at_most(int64_t value, int32_t most)
{
    return value < most ? (int32_t)value : most;
}

/* How many tiles a block may have where so many rows of them are left. */
static int32_t block_tiles(const AnalysisPlan *plan, int32_t rows_left)
{
    if (plan->block_threads == 1) {
        return BLOCK_SIDE_MAX * BLOCK_SIDE_MAX;
    }
    int64_t left = (int64_t)plan->tile_columns * rows_left;
    return at_most(left / (BLOCKS_LEFT_PER_THREAD * plan->block_threads),
                   BLOCK_SIDE_MAX * BLOCK_SIDE_MAX);
}

/* Rows of tiles of the blocks that begin in a row. */
static int32_t block_rows(const AnalysisPlan *plan, int32_t row)
{
    int32_t left = plan->tile_rows - row;
    int32_t rows = at_most(block_tiles(plan, left) / plan->block_columns, BLOCK_SIDE_MAX);
    return at_most(rows > 1 ? rows : 1, left);
}

void plan_set_blocks(AnalysisPlan *plan, unsigned thread_count)
{
    plan->block_threads = (int32_t)thread_count;
    plan->block_columns = BLOCK_SIDE_MAX;
    while (plan->block_columns > 1 &&
           plan->block_columns * plan->block_columns > block_tiles(plan, plan->tile_rows)) {
        plan->block_columns /= 2;
    }
}

uint32_t plan_block_count(const AnalysisPlan *plan)
{
    uint32_t count = 0;
    for (int32_t row = 0; row < plan->tile_rows; row += block_rows(plan, row)) {
        count += (uint32_t)divide_up(plan->tile_columns, plan->block_columns);
    }
    return count;
}

TileBlock plan_block(const AnalysisPlan *plan, uint32_t block)
{
    uint32_t across = (uint32_t)divide_up(plan->tile_columns, plan->block_columns);
    int32_t row = 0;
    for (uint32_t above = block / across; above > 0; above--) {
        row += block_rows(plan, row);
    }
    int32_t column = (int32_t)(block % across) * plan->block_columns;
    return (TileBlock){column, row, at_most(plan->tile_columns - column, plan->block_columns),
                       block_rows(plan, row)};
}

GridRect plan_map_rect(const AnalysisPlan *plan, uint32_t tile)
{
    int32_t column = (int32_t)(tile % (uint32_t)plan->tile_columns);
    int32_t row = (int32_t)(tile / (uint32_t)plan->tile_columns);
    int32_t x = column * plan->tile_map_px;
    int32_t y = row * plan->tile_map_px;
    int32_t right = x + plan->tile_map_px;
    int32_t bottom = y + plan->tile_map_px;
    right = right > plan->map_width_px ? plan->map_width_px : right;
    bottom = bottom > plan->map_height_px ? plan->map_height_px : bottom;
    return (GridRect){x, y, right - x, bottom - y};
}

GridRect plan_core_rect(const AnalysisPlan *plan, uint32_t tile)
{
    GridRect map = plan_map_rect(plan, tile);
    double ratio = plan->map.scale / plan->work.scale;
    int64_t left = (int64_t)floor((double)map.x * ratio);
    int64_t top = (int64_t)floor((double)map.y * ratio);
    int64_t right = (int64_t)ceil((double)(map.x + map.width) * ratio);
    int64_t bottom = (int64_t)ceil((double)(map.y + map.height) * ratio);
    return (GridRect){left, top, (int32_t)(right - left), (int32_t)(bottom - top)};
}

GridRect plan_work_rect(const AnalysisPlan *plan, uint32_t tile)
{
    GridRect core = plan_core_rect(plan, tile);
    int32_t margin = plan->margin_px;
    return (GridRect){core.x - margin, core.y - margin, core.width + 2 * margin,
                      core.height + 2 * margin};
}

GridRect plan_slide_rect(const AnalysisPlan *plan)
{
    double columns = floor((double)plan->width_px / plan->work.scale);
    double rows = floor((double)plan->height_px / plan->work.scale);
    return (GridRect){0, 0, (int32_t)fmax(1, columns), (int32_t)fmax(1, rows)};
}
