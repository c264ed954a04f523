/* SPDX-License-Identifier: Apache-2.0 */
/* See grid.h. The level is read in strips of whole grid rows that fit the buffer. */
#include "analysis/grid.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* The pixels of a level that a range of the grid covers. */
typedef struct Span {
    int64_t start;
    int32_t count;
} Span;

bool grid_reader_open(GridReader *reader, const char *slide_path, Error *error)
{
    *reader = (GridReader){NULL, NULL};
    if (!slide_open(slide_path, &reader->slide, error)) {
        return false;
    }
    reader->strip = alloc_array((size_t)GRID_STRIP_PX, 3);
    return true;
}

void grid_reader_close(GridReader *reader)
{
    slide_close(reader->slide);
    alloc_free(reader->strip);
    *reader = (GridReader){NULL, NULL};
}

/* At least one pixel, even where the grid is finer than the level. */
static Span covered(const Grid *grid, int64_t start, int64_t count)
{
    int64_t first = (int64_t)floor((double)start * grid->ratio);
    int64_t end = (int64_t)floor((double)(start + count) * grid->ratio);
    return (Span){first, (int32_t)(end > first ? end - first : 1)};
}

/* The mean of columns × rows pixels. */
static void
mean_of_cell(const uint8_t *rgb, size_t row_px, int32_t columns, int32_t rows, uint8_t *rgb_out)
{
    uint32_t sums[3] = {0, 0, 0};
    for (int32_t y = 0; y < rows; y++) {
        const uint8_t *pixel = rgb + (size_t)y * row_px * 3;
        for (int32_t x = 0; x < columns; x++, pixel += 3) {
            sums[0] += pixel[0];
            sums[1] += pixel[1];
            sums[2] += pixel[2];
        }
    }
    uint32_t count = (uint32_t)columns * (uint32_t)rows;
    for (int c = 0; c < 3; c++) {
        rgb_out[c] = (uint8_t)((sums[c] + count / 2) / count);
    }
}

/* As mean_of_cell for a whole row where each cell has 2 × 2 pixels, as in most slides. */
static void halve_row(const uint8_t *rgb, size_t row_px, int32_t width, uint8_t *rgb_out)
{
    const uint8_t *below = rgb + row_px * 3;
    for (int32_t x = 0; x < width; x++, rgb += 6, below += 6, rgb_out += 3) {
        for (int c = 0; c < 3; c++) {
            rgb_out[c] = (uint8_t)((rgb[c] + rgb[c + 3] + below[c] + below[c + 3] + 2) / 4);
        }
    }
}

/* Averages the strip into rows [row, row + rows) of the rectangle. */
static void reduce_strip(const Grid *grid,
                         const GridRect *part,
                         const uint8_t *strip,
                         const Span *columns,
                         uint8_t *rgb_out)
{
    Span all = covered(grid, part->y, part->height);
    for (int32_t y = 0; y < part->height; y++) {
        Span rows = covered(grid, part->y + y, 1);
        const uint8_t *source =
            strip + (size_t)(rows.start - all.start) * (size_t)columns->count * 3;
        if (grid->ratio == 2) {
            halve_row(source, (size_t)columns->count, part->width, rgb_out);
            rgb_out += (size_t)part->width * 3;
            continue;
        }
        for (int32_t x = 0; x < part->width; x++) {
            Span cell = covered(grid, part->x + x, 1);
            mean_of_cell(source + (cell.start - columns->start) * 3, (size_t)columns->count,
                         cell.count, rows.count, rgb_out);
            rgb_out += 3;
        }
    }
}

static bool
read_reduced(GridReader *reader, const Grid *grid, const GridRect *rect, uint8_t *out, Error *error)
{
    Span columns = covered(grid, rect->x, rect->width);
    int64_t rows_max = (int64_t)((double)GRID_STRIP_PX / columns.count / grid->ratio) - 1;
    assert(rows_max >= 1);
    for (int32_t y = 0; y < rect->height;) {
        int32_t left = rect->height - y;
        GridRect part = {rect->x, rect->y + y, rect->width,
                         left < rows_max ? left : (int32_t)rows_max};
        Span rows = covered(grid, part.y, part.height);
        SlideRegion region = {grid->level, columns.start, rows.start, columns.count, rows.count};
        uint8_t *target = out + (size_t)y * (size_t)rect->width * 3;
        if (grid->ratio == 1) {
            if (!slide_read_region(reader->slide, &region, target, error)) {
                return false;
            }
        } else {
            if (!slide_read_region(reader->slide, &region, reader->strip, error)) {
                return false;
            }
            reduce_strip(grid, &part, reader->strip, &columns, target);
        }
        y += part.height;
    }
    return true;
}

/* One row between two rows of the level, `weight` in 256ths of the lower one. */
static void interpolate_row(const Grid *grid,
                            const GridRect *rect,
                            const uint8_t *const rows[2],
                            int32_t weight,
                            uint8_t *out)
{
    int64_t first = (int64_t)floor(((double)rect->x + 0.5) * grid->ratio - 0.5);
    for (int32_t x = 0; x < rect->width; x++) {
        double place = ((double)(rect->x + x) + 0.5) * grid->ratio - 0.5;
        int64_t column = (int64_t)floor(place);
        int32_t across = (int32_t)((place - (double)column) * 256);
        size_t at = (size_t)(column - first) * 3;
        for (int c = 0; c < 3; c++, at++) {
            int32_t upper = rows[0][at] * (256 - across) + rows[0][at + 3] * across;
            int32_t lower = rows[1][at] * (256 - across) + rows[1][at + 3] * across;
            *out++ = (uint8_t)((upper * (256 - weight) + lower * weight + 32768) >> 16);
        }
    }
}

/* Pixels of the level that so many of the grid lie between. */
static int32_t between(const Grid *grid, int32_t count)
{
    return (int32_t)(count * grid->ratio) + 3;
}

/* The rectangle's pixels of the level fit the buffer. */
static bool interpolate_strip(
    GridReader *reader, const Grid *grid, const GridRect *rect, uint8_t *out, Error *error)
{
    int64_t left = (int64_t)floor(((double)rect->x + 0.5) * grid->ratio - 0.5);
    int64_t top = (int64_t)floor(((double)rect->y + 0.5) * grid->ratio - 0.5);
    int32_t columns = between(grid, rect->width);
    int32_t rows = between(grid, rect->height);
    assert((int64_t)columns * rows <= GRID_STRIP_PX);
    SlideRegion region = {grid->level, left, top, columns, rows};
    if (!slide_read_region(reader->slide, &region, reader->strip, error)) {
        return false;
    }
    for (int32_t y = 0; y < rect->height; y++) {
        double place = ((double)(rect->y + y) + 0.5) * grid->ratio - 0.5;
        int64_t row = (int64_t)floor(place);
        const uint8_t *upper = reader->strip + (size_t)(row - top) * (size_t)columns * 3;
        const uint8_t *const pair[2] = {upper, upper + (size_t)columns * 3};
        interpolate_row(grid, rect, pair, (int32_t)((place - (double)row) * 256),
                        out + (size_t)y * (size_t)rect->width * 3);
    }
    return true;
}

static bool read_interpolated(
    GridReader *reader, const Grid *grid, const GridRect *rect, uint8_t *out, Error *error)
{
    int64_t rows_max = GRID_STRIP_PX / between(grid, rect->width) - between(grid, 0);
    assert(rows_max >= 1);
    for (int32_t y = 0; y < rect->height;) {
        int32_t left = rect->height - y;
        GridRect part = {rect->x, rect->y + y, rect->width,
                         left < rows_max ? left : (int32_t)rows_max};
        uint8_t *target = out + (size_t)y * (size_t)rect->width * 3;
        if (!interpolate_strip(reader, grid, &part, target, error)) {
            return false;
        }
        y += part.height;
    }
    return true;
}

bool grid_read(
    GridReader *reader, const Grid *grid, const GridRect *rect, uint8_t *rgb_out, Error *error)
{
    if (grid->ratio < 1) {
        return read_interpolated(reader, grid, rect, rgb_out, error);
    }
    return read_reduced(reader, grid, rect, rgb_out, error);
}
