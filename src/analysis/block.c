/* SPDX-License-Identifier: Apache-2.0 */
/* See block.h. */
#include "analysis/block.h"

#include <math.h>

#include "base/alloc.h"

/* How far from what is kept the centres must be right: a nucleus is cut where another is nearer. */
static int32_t halo_px(const AnalysisPlan *plan, const Network *network)
{
    int32_t rivals = 2 * (int32_t)ceil(NUCLEUS_RADIUS_UM_MAX / plan->work.mpp);
    int32_t peaks = (PEAK_RADIUS + HEAT_RADIUS) * LOGIT_DOWNSAMPLE;
    int32_t halo = network->reach_px + rivals + peaks;
    return halo > plan->margin_px ? halo : plan->margin_px;
}

static int64_t round_down(int64_t value)
{
    return value - value % NETWORK_STRIDE_MAX;
}

static int64_t round_up(int64_t value)
{
    return round_down(value + NETWORK_STRIDE_MAX - 1);
}

/* What the network sees for a part of the slide. Its pixels are those of the slide's own grid of
 * NETWORK_STRIDE_MAX pixels, so that every block finds the same; beyond the slide there is nothing.
 */
static GridRect network_rect(const AnalysisPlan *plan, const Network *network, const GridRect *part)
{
    int32_t halo = halo_px(plan, network);
    GridRect slide = plan_slide_rect(plan);
    int64_t left = round_down(part->x > halo ? part->x - halo : 0);
    int64_t top = round_down(part->y > halo ? part->y - halo : 0);
    int64_t right = part->x + part->width + halo;
    int64_t bottom = part->y + part->height + halo;
    right = round_up(right < slide.width ? right : slide.width);
    bottom = round_up(bottom < slide.height ? bottom : slide.height);
    return (GridRect){left, top, (int32_t)(right - left), (int32_t)(bottom - top)};
}

bool block_buffers_open(BlockBuffers *buffers,
                        const AnalysisPlan *plan,
                        const NetworkProgram *program,
                        const char *slide_path,
                        Error *error)
{
    *buffers = (BlockBuffers){.rgb = NULL};
    if (!grid_reader_open(&buffers->reader, slide_path, error)) {
        return false;
    }
    int32_t around = 2 * (halo_px(plan, program->network) + NETWORK_STRIDE_MAX);
    int32_t side = plan->tile_side_px - 2 * plan->margin_px;
    TileBlock first = plan_block(plan, 0);
    RasterSize largest = {side * first.columns + around, side * first.rows + around};
    buffers->rgb = alloc_array(raster_count(largest), 3);
    buffers->finder = centre_finder_create(program, largest.width, largest.height);
    tile_buffers_init(&buffers->tile, plan);
    return true;
}

void block_buffers_close(BlockBuffers *buffers)
{
    grid_reader_close(&buffers->reader);
    alloc_free(buffers->rgb);
    centre_finder_destroy(buffers->finder);
    tile_buffers_clear(&buffers->tile);
    tile_cells_clear(&buffers->cells);
    *buffers = (BlockBuffers){.rgb = NULL};
}

static uint32_t tile_of(const AnalysisPlan *plan, const TileBlock *block, int32_t index)
{
    int32_t row = block->row + index / block->columns;
    int32_t column = block->column + index % block->columns;
    return (uint32_t)row * (uint32_t)plan->tile_columns + (uint32_t)column;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static GridRect joined(const GridRect *a, const GridRect *b)
{
    int64_t left = least(a->x, b->x);
    int64_t top = least(a->y, b->y);
    int64_t right = most(a->x + a->width, b->x + b->width);
    int64_t bottom = most(a->y + a->height, b->y + b->height);
    return (GridRect){left, top, (int32_t)(right - left), (int32_t)(bottom - top)};
}

/* The smallest rectangle around the tiles that have tissue; false when none has. */
static bool tissue_rect(const TileContext *context, const TileBlock *block, GridRect *rect_out)
{
    bool any = false;
    for (int32_t i = 0; i < block->columns * block->rows; i++) {
        uint32_t tile = tile_of(context->plan, block, i);
        if (tile_has_tissue(context, tile)) {
            GridRect core = plan_core_rect(context->plan, tile);
            *rect_out = any ? joined(rect_out, &core) : core;
            any = true;
        }
    }
    return any;
}

bool block_analyze(const TileContext *context,
                   BlockBuffers *buffers,
                   uint32_t block_index,
                   CellSpool *spool,
                   Error *error)
{
    const AnalysisPlan *plan = context->plan;
    TileBlock block = plan_block(plan, block_index);
    GridRect part;
    if (!tissue_rect(context, &block, &part)) {
        return true;
    }
    GridRect seen = network_rect(plan, context->network, &part);
    if (!grid_read(&buffers->reader, &plan->work, &seen, buffers->rgb, error)) {
        return false;
    }
    const Centres *centres = centre_finder_run(buffers->finder, &seen, buffers->rgb);
    for (int32_t i = 0; i < block.columns * block.rows; i++) {
        uint32_t tile = tile_of(plan, &block, i);
        if (tile_has_tissue(context, tile)) {
            TileSource source = {tile, buffers->rgb, centres};
            tile_analyze(context, &buffers->tile, &source, &buffers->cells);
            if (!cell_spool_put(spool, tile, &buffers->cells, error)) {
                return false;
            }
            paged_memory_rest(&context->maps->memory);
        }
    }
    return true;
}
