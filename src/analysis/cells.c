/* SPDX-License-Identifier: Apache-2.0 */
/* See cells.h. */
#include "analysis/cells.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

/* Where a cell stands and which one it is, for sorting. */
typedef struct Place {
    CellPoint centroid;
    uint32_t index;
} Place;

void tile_cells_clear(TileCells *cells)
{
    alloc_free(cells->list.cells);
    alloc_free(cells->list.points);
    alloc_free(cells->kinds);
    *cells = (TileCells){.kinds = NULL};
}

static void reserve(TileCells *cells, uint32_t cell_count, uint32_t point_count)
{
    if (cell_count > cells->cell_capacity) {
        cells->cell_capacity = cell_count * 2;
        cells->list.cells = alloc_resize(cells->list.cells, cells->cell_capacity, sizeof(Cell));
        cells->kinds = alloc_resize(cells->kinds, cells->cell_capacity, sizeof(CellKinds));
    }
    if (point_count > cells->point_capacity) {
        cells->point_capacity = point_count * 2;
        cells->list.points =
            alloc_resize(cells->list.points, cells->point_capacity, sizeof(CellPoint));
    }
}

static void add(TileCells *cells, const Cell *cell, const CellKinds *kinds, const CellPoint *ring)
{
    CellList *list = &cells->list;
    reserve(cells, list->count + 1, list->point_count + cell->point_count);
    assert(list->cells != NULL && list->points != NULL);
    list->cells[list->count] = *cell;
    list->cells[list->count].first_point = list->point_count;
    cells->kinds[list->count] = *kinds;
    memcpy(list->points + list->point_count, ring, cell->point_count * sizeof *ring);
    list->count++;
    list->point_count += cell->point_count;
}

void tile_cells_add(TileCells *cells, const Nucleus *nucleus)
{
    add(cells, &nucleus->cell, &nucleus->kinds, nucleus->points);
}

static int compare_places(const void *left, const void *right)
{
    const Place *a = left;
    const Place *b = right;
    if (a->centroid.y_px != b->centroid.y_px) {
        return a->centroid.y_px < b->centroid.y_px ? -1 : 1;
    }
    if (a->centroid.x_px != b->centroid.x_px) {
        return a->centroid.x_px < b->centroid.x_px ? -1 : 1;
    }
    return (a->index > b->index) - (a->index < b->index);
}

/* Adds the cells of `from` in the order of `places`. */
static void
add_in_order(TileCells *cells, const TileCells *from, const Place *places, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const Cell *cell = &from->list.cells[places[i].index];
        add(cells, cell, &from->kinds[places[i].index], from->list.points + cell->first_point);
    }
}

void tile_cells_sort(TileCells *cells)
{
    uint32_t count = cells->list.count;
    if (count < 2) {
        return;
    }
    AUTO_FREE Place *places = alloc_array(count, sizeof *places);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = (Place){cells->list.cells[i].centroid, i};
    }
    qsort(places, count, sizeof *places, compare_places);
    TileCells sorted = {.kinds = NULL};
    reserve(&sorted, count, cells->list.point_count);
    add_in_order(&sorted, cells, places, count);
    tile_cells_clear(cells);
    *cells = sorted;
}

static void move_all(TileCells *tiles, uint32_t tile_count, TileCells *joined)
{
    for (uint32_t t = 0; t < tile_count; t++) {
        const CellList *list = &tiles[t].list;
        for (uint32_t i = 0; i < list->count; i++) {
            const Cell *cell = &list->cells[i];
            add(joined, cell, &tiles[t].kinds[i], list->points + cell->first_point);
        }
        tile_cells_clear(&tiles[t]);
    }
}

/* Closes the gaps that dropped cells leave. */
void tile_cells_drop(TileCells *cells, const bool *dropped)
{
    CellList *list = &cells->list;
    uint32_t count = 0;
    uint32_t point_count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (dropped[i]) {
            continue;
        }
        Cell cell = list->cells[i];
        memmove(list->points + point_count, list->points + cell.first_point,
                cell.point_count * sizeof *list->points);
        cell.first_point = point_count;
        list->cells[count] = cell;
        cells->kinds[count] = cells->kinds[i];
        count++;
        point_count += cell.point_count;
    }
    list->count = count;
    list->point_count = point_count;
}

bool cells_join(TileCells *tiles, uint32_t tile_count, TileCells *joined_out, Error *error)
{
    uint64_t count = 0;
    uint64_t point_count = 0;
    for (uint32_t t = 0; t < tile_count; t++) {
        count += tiles[t].list.count;
        point_count += tiles[t].list.point_count;
    }
    if (count > CELLS_MAX) {
        return error_set(error, ERROR_LIMIT, "The slide has more than %d cells", CELLS_MAX);
    }
    TileCells joined = {.kinds = NULL};
    reserve(&joined, (uint32_t)count, (uint32_t)point_count);
    move_all(tiles, tile_count, &joined);
    tile_cells_sort(&joined);
    *joined_out = joined;
    return true;
}
