/* SPDX-License-Identifier: Apache-2.0 */
/* See disc_cover.h. */
#include "analysis/disc_cover.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/parallel.h"
#include "base/alloc.h"

/* Of a tile, in microns. Its bits for one group fit into a fast cache. */
enum { TILE_SIDE = 256, WORD_BITS = 64, ROW_WORDS = TILE_SIDE / WORD_BITS };

typedef struct TileBits {
    uint64_t rows[TILE_SIDE][ROW_WORDS];
} TileBits;

/* What one thread needs. */
typedef struct Drawing {
    TileBits *bits;                           /* CELL_GROUP_COUNT for each radius */
    uint64_t used[NEIGHBORHOOD_RADIUS_COUNT]; /* a bit for each group that has been drawn */
    uint64_t *areas_um2;                      /* CELL_GROUP_COUNT for each radius */
} Drawing;

/* Half the width of a disc in each of its rows, from its middle on, in microns. */
typedef struct Disc {
    int radius;
    int *half_widths; /* radius + 1 */
} Disc;

typedef struct Cover {
    const PackedCells *packed;
    double mpp;
    int32_t width_um; /* of the image: square microns that have their middle in it */
    int32_t height_um;
    Disc discs[NEIGHBORHOOD_RADIUS_COUNT];
    Drawing *drawings; /* one a thread */
} Cover;

/* A part of the image in microns, without its end. */
typedef struct Tile {
    int32_t x;
    int32_t y;
    int32_t end_x;
    int32_t end_y;
} Tile;

static Disc disc_create(int radius)
{
    Disc disc = {radius, alloc_array((size_t)radius + 1, sizeof *disc.half_widths)};
    int half = radius;
    for (int row = 0; row <= radius; row++) {
        while (half * half + row * row > radius * radius) {
            half--;
        }
        disc.half_widths[row] = half;
    }
    return disc;
}

/* How many whole microns have their middle inside the image. */
static int32_t size_um(int64_t size_px, double mpp)
{
    return (int32_t)ceil((double)size_px * mpp - 0.5);
}

static void set_bits(uint64_t row[ROW_WORDS], int first, int last)
{
    int first_word = first / WORD_BITS;
    int last_word = last / WORD_BITS;
    uint64_t head = UINT64_MAX << (first % WORD_BITS);
    uint64_t tail = UINT64_MAX >> (WORD_BITS - 1 - last % WORD_BITS);
    if (first_word == last_word) {
        row[first_word] |= head & tail;
        return;
    }
    row[first_word] |= head;
    for (int word = first_word + 1; word < last_word; word++) {
        row[word] = UINT64_MAX;
    }
    row[last_word] |= tail;
}

/* Draws the part of a disc that lies in a tile; returns whether there is one. */
static bool draw_disc(const Disc *disc, int32_t x, int32_t y, const Tile *tile, TileBits *bits)
{
    int32_t first_y = y - disc->radius > tile->y ? y - disc->radius : tile->y;
    int32_t end_y = y + disc->radius + 1 < tile->end_y ? y + disc->radius + 1 : tile->end_y;
    bool drawn = false;
    for (int32_t row = first_y; row < end_y; row++) {
        int32_t half = disc->half_widths[abs(row - y)];
        int32_t first_x = x - half > tile->x ? x - half : tile->x;
        int32_t last_x = x + half < tile->end_x ? x + half : tile->end_x - 1;
        if (first_x <= last_x) {
            set_bits(bits->rows[row - tile->y], first_x - tile->x, last_x - tile->x);
            drawn = true;
        }
    }
    return drawn;
}

static void
draw_cell(const Cover *cover, Drawing *drawing, const PackedCell *cell, const Tile *tile)
{
    if (cell->group == CELL_GROUP_NONE) {
        return;
    }
    int32_t x = (int32_t)floor((double)cell->x_px * cover->mpp);
    int32_t y = (int32_t)floor((double)cell->y_px * cover->mpp);
    for (int radius = 0; radius < NEIGHBORHOOD_RADIUS_COUNT; radius++) {
        TileBits *bits = &drawing->bits[radius * CELL_GROUP_COUNT + cell->group];
        if (draw_disc(&cover->discs[radius], x, y, tile, bits)) {
            drawing->used[radius] |= UINT64_C(1) << cell->group;
        }
    }
}

/* Counts what has been drawn and wipes it off. */
static void take_bits(Drawing *drawing)
{
    for (int radius = 0; radius < NEIGHBORHOOD_RADIUS_COUNT; radius++) {
        while (drawing->used[radius] != 0) {
            int group = __builtin_ctzll(drawing->used[radius]);
            TileBits *bits = &drawing->bits[radius * CELL_GROUP_COUNT + group];
            uint64_t count = 0;
            for (int row = 0; row < TILE_SIDE; row++) {
                for (int word = 0; word < ROW_WORDS; word++) {
                    count += (uint64_t)__builtin_popcountll(bits->rows[row][word]);
                }
            }
            drawing->areas_um2[radius * CELL_GROUP_COUNT + group] += count;
            memset(bits, 0, sizeof *bits);
            drawing->used[radius] &= drawing->used[radius] - 1;
        }
    }
}

static void draw_tile(const Cover *cover, Drawing *drawing, const Tile *tile)
{
    /* One more than the largest radius: places are rounded to microns. */
    int32_t reach = cover->discs[NEIGHBORHOOD_RADIUS_COUNT - 1].radius + 1;
    double mpp = cover->mpp;
    int32_t last_row = packed_row(cover->packed, (tile->end_y + reach) / mpp);
    for (int32_t row = packed_row(cover->packed, (tile->y - reach) / mpp); row <= last_row; row++) {
        PackedSpan span =
            packed_span(cover->packed, row, (tile->x - reach) / mpp, (tile->end_x + reach) / mpp);
        for (uint32_t i = span.first; i < span.end; i++) {
            draw_cell(cover, drawing, &cover->packed->cells[i], tile);
        }
    }
    take_bits(drawing);
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static bool draw_row(void *context, unsigned thread, uint32_t job, Error *error)
{
    (void)error;
    const Cover *cover = context;
    int32_t y = (int32_t)job * TILE_SIDE;
    for (int32_t x = 0; x < cover->width_um; x += TILE_SIDE) {
        Tile tile = {x, y, smaller(x + TILE_SIDE, cover->width_um),
                     smaller(y + TILE_SIDE, cover->height_um)};
        draw_tile(cover, &cover->drawings[thread], &tile);
    }
    return true;
}

static void take_areas(const Drawing *drawing,
                       Neighborhood neighborhoods[NEIGHBORHOOD_RADIUS_COUNT])
{
    for (int radius = 0; radius < NEIGHBORHOOD_RADIUS_COUNT; radius++) {
        for (int group = 0; group < CELL_GROUP_COUNT; group++) {
            neighborhoods[radius].areas_um2[cell_group_class(group)][cell_group_tissue(group)] +=
                drawing->areas_um2[radius * CELL_GROUP_COUNT + group];
        }
    }
}

static void drawing_init(Drawing *drawing)
{
    size_t count = (size_t)NEIGHBORHOOD_RADIUS_COUNT * CELL_GROUP_COUNT;
    *drawing = (Drawing){.bits = alloc_zeroed(count, sizeof *drawing->bits),
                         .areas_um2 = alloc_zeroed(count, sizeof *drawing->areas_um2)};
}

static void drawing_clear(Drawing *drawing)
{
    alloc_free(drawing->bits);
    alloc_free(drawing->areas_um2);
}

bool disc_cover_count(const AnalysisResult *result,
                      const PackedCells *packed,
                      unsigned thread_count,
                      Neighborhood neighborhoods[NEIGHBORHOOD_RADIUS_COUNT],
                      Error *error)
{
    Cover cover = {.packed = packed,
                   .mpp = result->mpp,
                   .width_um = size_um(result->width_px, result->mpp),
                   .height_um = size_um(result->height_px, result->mpp)};
    for (int radius = 0; radius < NEIGHBORHOOD_RADIUS_COUNT; radius++) {
        cover.discs[radius] = disc_create(NEIGHBORHOOD_RADII_UM[radius]);
    }
    AUTO_FREE Drawing *drawings = alloc_array(thread_count, sizeof *drawings);
    cover.drawings = drawings;
    for (unsigned i = 0; i < thread_count; i++) {
        drawing_init(&drawings[i]);
    }
    ParallelJobs jobs = {.job_count = ((uint32_t)cover.height_um + TILE_SIDE - 1) / TILE_SIDE,
                         .thread_count = thread_count,
                         .context = &cover,
                         .run = draw_row};
    bool done = parallel_run(&jobs, error);
    for (unsigned i = 0; i < thread_count; i++) {
        take_areas(&drawings[i], neighborhoods);
        drawing_clear(&drawings[i]);
    }
    for (int radius = 0; radius < NEIGHBORHOOD_RADIUS_COUNT; radius++) {
        alloc_free(cover.discs[radius].half_widths);
    }
    return done;
}
