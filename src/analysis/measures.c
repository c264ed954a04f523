/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See measures.h. Detail is that of Haar's wavelets, as Tong, Li, Zhang and Zhang take it (Blur
 * detection for digital images using wavelet transform, ICME 2004), in green, which both stains
 * absorb: within 2 x 2 pixels, which a blur takes first, and between blocks, which it takes last.
 */
#include "analysis/measures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
    BLOCK = MEASURE_BLOCK_PX,
    QUADS = 4, /* of 2 x 2 pixels in a block */
    /* Red blood cells: much eosin, hardly any haematoxylin; in units of stain.h. */
    BLOOD_EOSIN_MIN = 450,
    BLOOD_HAEMATOXYLIN_MAX = 120,
};

/* What is added up for each map pixel. */
enum {
    SUM_BLOCKS,
    SUM_WHITE, /* quads, as the next */
    SUM_BLOOD,
    SUM_FINE, /* in 1/16 levels a block, as the next */
    SUM_COARSE,
    SUMS
};

/* The blocks that lie wholly on the slide and in the view: the first of them in pixels of the view,
 * and the number of the first on the grid. */
typedef struct BlockSpan {
    int64_t first_px;
    int64_t first;
    int32_t count;
} BlockSpan;

typedef struct BlockGrid {
    const MeasureView *view;
    MeasureBuffers *buffers;
    BlockSpan columns;
    BlockSpan rows;
} BlockGrid;

void measure_buffers_init(MeasureBuffers *buffers, const AnalysisPlan *plan)
{
    size_t blocks = (size_t)plan->tile_side_px / BLOCK + 1;
    size_t map_pixels = (size_t)plan->tile_map_px * (size_t)plan->tile_map_px;
    buffers->blocks = alloc_array(blocks * blocks, sizeof *buffers->blocks);
    buffers->sums = alloc_array(map_pixels * SUMS, sizeof *buffers->sums);
}

void measure_buffers_clear(MeasureBuffers *buffers)
{
    alloc_free(buffers->blocks);
    alloc_free(buffers->sums);
    *buffers = (MeasureBuffers){NULL, NULL};
}

static BlockSpan span_of(int64_t work_start, int64_t inside_start, int32_t inside_count)
{
    int64_t start = work_start + inside_start;
    int64_t first = (start + BLOCK - 1) / BLOCK; /* never negative: the slide begins at 0 */
    int64_t end = (start + inside_count) / BLOCK;
    return (BlockSpan){first * BLOCK - work_start, first, (int32_t)(end > first ? end - first : 0)};
}

/* The map pixel, counted from the view's first, of the middle of a block. */
static int64_t map_place(const AnalysisPlan *plan, int64_t block, int64_t map_start)
{
    double level_0_px = ((double)block + 0.5) * BLOCK * plan->work.scale;
    return (int64_t)(level_0_px / plan->map.scale) - map_start;
}

/* Sums of three Haar coefficients of 2 x 2 values, each four times as large as their mean. */
static uint32_t haar(int32_t a, int32_t b, int32_t c, int32_t d)
{
    return (uint32_t)(abs(a + b - c - d) + abs(a + c - b - d) + abs(a + d - b - c));
}

static void add_quad(const MeasureView *view, const uint8_t *rgb, uint32_t *sums)
{
    bool white = rgb[1] >= view->white_level;
    uint32_t haematoxylin = stain_haematoxylin(view->stain, rgb);
    uint32_t eosin = stain_eosin(view->stain, rgb);
    sums[SUM_WHITE] += white ? 1U : 0U;
    sums[SUM_BLOOD] += eosin >= BLOOD_EOSIN_MIN && haematoxylin <= BLOOD_HAEMATOXYLIN_MAX ? 1U : 0U;
}

/* Returns the sum of the block's green. */
static uint16_t measure_block(const MeasureView *view, size_t pixel, uint32_t *sums)
{
    size_t width = (size_t)view->work.width;
    int32_t quads[QUADS];
    uint32_t fine = 0;
    for (size_t q = 0; q < QUADS; q++) {
        size_t at = pixel + (q / 2) * 2 * width + (q % 2) * 2;
        const uint8_t *above = view->rgb + at * 3;
        const uint8_t *below = above + width * 3;
        uint8_t mean[3];
        for (int c = 0; c < 3; c++) {
            mean[c] = (uint8_t)((above[c] + above[c + 3] + below[c] + below[c + 3] + 2) / 4);
        }
        quads[q] = above[1] + above[4] + below[1] + below[4];
        fine += haar(above[1], above[4], below[1], below[4]);
        add_quad(view, mean, sums);
    }
    /* Interpolated pixels hold no detail of their own: that of the quads stands in for it. */
    bool interpolated = view->plan->work.ratio < 1;
    sums[SUM_FINE] += interpolated ? haar(quads[0], quads[1], quads[2], quads[3]) : fine;
    sums[SUM_BLOCKS]++;
    return (uint16_t)(quads[0] + quads[1] + quads[2] + quads[3]);
}

/* The sums of the map pixel that a block belongs to; NULL where it is another tile's. */
static uint32_t *sums_of(const BlockGrid *grid, int32_t row, int32_t column)
{
    const MeasureView *view = grid->view;
    int64_t y = map_place(view->plan, grid->rows.first + row, view->map.y);
    int64_t x = map_place(view->plan, grid->columns.first + column, view->map.x);
    bool ours = y >= 0 && y < view->map.height && x >= 0 && x < view->map.width;
    return ours ? grid->buffers->sums + (y * view->map.width + x) * SUMS : NULL;
}

static uint16_t green_of(const MeasureView *view, size_t pixel)
{
    uint32_t sum = 0;
    for (size_t y = 0; y < BLOCK; y++) {
        const uint8_t *rgb = view->rgb + (pixel + y * (size_t)view->work.width) * 3;
        sum += (uint32_t)rgb[1] + rgb[4] + rgb[7] + rgb[10];
    }
    return (uint16_t)sum;
}

static void measure_blocks(const BlockGrid *grid)
{
    const MeasureView *view = grid->view;
    uint16_t *block = grid->buffers->blocks;
    for (int32_t row = 0; row < grid->rows.count; row++) {
        size_t y = (size_t)(grid->rows.first_px + row * BLOCK);
        size_t pixel = y * (size_t)view->work.width + (size_t)grid->columns.first_px;
        for (int32_t column = 0; column < grid->columns.count; column++, pixel += BLOCK) {
            uint32_t *sums = sums_of(grid, row, column);
            *block++ = sums == NULL ? green_of(view, pixel) : measure_block(view, pixel, sums);
        }
    }
}

static uint32_t difference(uint16_t a, uint16_t b)
{
    return a > b ? (uint32_t)(a - b) : (uint32_t)(b - a);
}

/* The differences to the blocks on the right and below; at the slide's end, to those before. */
static void compare_blocks(const BlockGrid *grid)
{
    size_t width = (size_t)grid->columns.count;
    const uint16_t *block = grid->buffers->blocks;
    for (int32_t row = 0; row < grid->rows.count; row++) {
        bool last_row = row + 1 == grid->rows.count;
        for (int32_t column = 0; column < grid->columns.count; column++, block++) {
            uint32_t *sums = sums_of(grid, row, column);
            bool last_column = column + 1 == grid->columns.count;
            if (sums == NULL || (last_row && row == 0) || (last_column && column == 0)) {
                continue;
            }
            uint16_t right = last_column ? block[-1] : block[1];
            uint16_t below = last_row ? *(block - width) : block[width];
            sums[SUM_COARSE] += difference(*block, right) + difference(*block, below);
        }
    }
}

static uint8_t share_of(uint32_t sum, uint32_t count, uint32_t unit)
{
    uint64_t value = ((uint64_t)sum * unit + count / 2) / count;
    return (uint8_t)(value > 255 ? 255 : value);
}

static void store(const uint32_t *sums, size_t at, SlideMaps *maps)
{
    uint32_t blocks = sums[SUM_BLOCKS];
    if (blocks == 0) {
        return;
    }
    uint32_t quads = blocks * QUADS;
    maps->fine[at] = share_of(sums[SUM_FINE], blocks * 16 / MAP_FINE_UNIT, 1);
    maps->coarse[at] = share_of(sums[SUM_COARSE], blocks * 16 / MAP_COARSE_UNIT, 1);
    maps->white[at] = share_of(sums[SUM_WHITE], quads, 255);
    maps->blood[at] = share_of(sums[SUM_BLOOD], quads, 255);
}

void measure_maps(const MeasureView *view, MeasureBuffers *buffers, SlideMaps *maps)
{
    size_t pixels = (size_t)view->map.width * (size_t)view->map.height;
    memset(buffers->sums, 0, pixels * SUMS * sizeof *buffers->sums);
    BlockGrid grid = {
        .view = view,
        .buffers = buffers,
        .columns = span_of(view->work.x, view->inside.x, view->inside.width),
        .rows = span_of(view->work.y, view->inside.y, view->inside.height),
    };
    measure_blocks(&grid);
    compare_blocks(&grid);
    const uint32_t *sums = buffers->sums;
    for (int32_t y = 0; y < view->map.height; y++) {
        size_t at = (size_t)(view->map.y + y) * (size_t)maps->size.width + (size_t)view->map.x;
        for (int32_t x = 0; x < view->map.width; x++, at++, sums += SUMS) {
            store(sums, at, maps);
        }
    }
}
