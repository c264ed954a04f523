/* SPDX-License-Identifier: Apache-2.0 */
/* See cell_grid.h. */
#include "analysis/cell_grid.h"

#include <math.h>

#include "base/alloc.h"

/* Squares become larger rather than more than this many. */
#define SQUARES_MAX (16 * 1024 * 1024)

static int32_t place_of(double value, double side, int32_t count)
{
    int32_t place = (int32_t)(value / side);
    return place < 0 ? 0 : place >= count ? count - 1 : place;
}

static uint32_t square_of(const CellGrid *grid, CellPoint point)
{
    int32_t column = place_of(point.x_px, grid->side_px, grid->columns);
    int32_t row = place_of(point.y_px, grid->side_px, grid->rows);
    return (uint32_t)row * (uint32_t)grid->columns + (uint32_t)column;
}

static void set_size(CellGrid *grid)
{
    double right = 0;
    double bottom = 0;
    for (uint32_t i = 0; i < grid->list->count; i++) {
        cell_list_rest(grid->list, i);
        right = fmax(right, grid->list->cells[i].centroid.x_px);
        bottom = fmax(bottom, grid->list->cells[i].centroid.y_px);
    }
    while ((floor(right / grid->side_px) + 1) * (floor(bottom / grid->side_px) + 1) > SQUARES_MAX) {
        grid->side_px *= 2;
    }
    grid->columns = (int32_t)(right / grid->side_px) + 1;
    grid->rows = (int32_t)(bottom / grid->side_px) + 1;
}

void cell_grid_init(CellGrid *grid, const CellList *list, double side_px)
{
    *grid = (CellGrid){.list = list, .side_px = side_px};
    set_size(grid);
    size_t squares = (size_t)grid->columns * (size_t)grid->rows;
    grid->starts = alloc_zeroed(squares + 2, sizeof *grid->starts);
    grid->order = alloc_array((size_t)list->count + 1, sizeof *grid->order);
    /* Counted two places on: the filling below moves each start to its end, the next one's start.
     */
    for (uint32_t i = 0; i < list->count; i++) {
        cell_list_rest(list, i);
        grid->starts[square_of(grid, list->cells[i].centroid) + 2]++;
    }
    for (size_t s = 2; s < squares + 2; s++) {
        grid->starts[s] += grid->starts[s - 1];
    }
    for (uint32_t i = 0; i < list->count; i++) {
        cell_list_rest(list, i);
        grid->order[grid->starts[square_of(grid, list->cells[i].centroid) + 1]++] = i;
    }
}

void cell_grid_clear(CellGrid *grid)
{
    alloc_free(grid->starts);
    alloc_free(grid->order);
    *grid = (CellGrid){.list = NULL};
}
