/* SPDX-License-Identifier: Apache-2.0 */
/* See cells.h. */
#include "analysis/cells.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/cell_grid.h"
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
    alloc_free(cells->looks);
    *cells = (TileCells){.looks = NULL};
}

static void reserve(TileCells *cells, uint32_t cell_count, uint32_t point_count)
{
    if (cell_count > cells->cell_capacity) {
        cells->cell_capacity = cell_count * 2;
        cells->list.cells = alloc_resize(cells->list.cells, cells->cell_capacity, sizeof(Cell));
        cells->looks = alloc_resize(cells->looks, cells->cell_capacity, sizeof(NucleusLook));
    }
    if (point_count > cells->point_capacity) {
        cells->point_capacity = point_count * 2;
        cells->list.points =
            alloc_resize(cells->list.points, cells->point_capacity, sizeof(CellPoint));
    }
}

static void add(TileCells *cells, const Cell *cell, const NucleusLook *look, const CellPoint *ring)
{
    CellList *list = &cells->list;
    reserve(cells, list->count + 1, list->point_count + cell->point_count);
    assert(list->cells != NULL && list->points != NULL);
    list->cells[list->count] = *cell;
    list->cells[list->count].first_point = list->point_count;
    cells->looks[list->count] = *look;
    memcpy(list->points + list->point_count, ring, cell->point_count * sizeof *ring);
    list->count++;
    list->point_count += cell->point_count;
}

void tile_cells_add(TileCells *cells, const Nucleus *nucleus)
{
    add(cells, &nucleus->cell, &nucleus->look, nucleus->points);
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
        add(cells, cell, &from->looks[places[i].index], from->list.points + cell->first_point);
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
    TileCells sorted = {.looks = NULL};
    reserve(&sorted, count, cells->list.point_count);
    add_in_order(&sorted, cells, places, count);
    tile_cells_clear(cells);
    *cells = sorted;
}

/* Moves all cells into one list; tiles_out tells the tile of each. */
static void move_all(TileCells *tiles, uint32_t tile_count, TileCells *joined, uint32_t *tiles_out)
{
    for (uint32_t t = 0; t < tile_count; t++) {
        const CellList *list = &tiles[t].list;
        for (uint32_t i = 0; i < list->count; i++) {
            const Cell *cell = &list->cells[i];
            tiles_out[joined->list.count] = t;
            add(joined, cell, &tiles[t].looks[i], list->points + cell->first_point);
        }
        tile_cells_clear(&tiles[t]);
    }
}

typedef struct DoubleSearch {
    const uint32_t *tiles; /* of each cell */
    float distance_px;
    uint32_t index;
    bool doubled;
} DoubleSearch;

static void note_double(void *context, uint32_t neighbor, double distance_px)
{
    DoubleSearch *search = context;
    /* The grid's squares may be larger than what counts as the same place. */
    if (search->tiles[neighbor] < search->tiles[search->index] &&
        distance_px <= search->distance_px) {
        search->doubled = true;
    }
}

/* Marks cells that stand where an earlier tile has one; returns how many. */
static uint32_t
mark_doubles(const CellList *list, const uint32_t *tiles, float distance_px, bool *doubled)
{
    AUTO_CELL_GRID grid;
    cell_grid_init(&grid, list, distance_px);
    uint32_t marked = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        DoubleSearch search = {tiles, distance_px, i, false};
        cell_grid_visit(&grid, i, note_double, &search);
        doubled[i] = search.doubled;
        marked += search.doubled ? 1 : 0;
    }
    return marked;
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
        cells->looks[count] = cells->looks[i];
        count++;
        point_count += cell.point_count;
    }
    list->count = count;
    list->point_count = point_count;
}

bool cells_join(
    TileCells *tiles, uint32_t tile_count, float distance_px, TileCells *joined_out, Error *error)
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
    TileCells joined = {.looks = NULL};
    reserve(&joined, (uint32_t)count, (uint32_t)point_count);
    AUTO_FREE uint32_t *tile_of_cell = alloc_array(count + 1, sizeof *tile_of_cell);
    AUTO_FREE bool *doubled = alloc_zeroed(count + 1, sizeof *doubled);
    move_all(tiles, tile_count, &joined, tile_of_cell);
    if (mark_doubles(&joined.list, tile_of_cell, distance_px, doubled) > 0) {
        tile_cells_drop(&joined, doubled);
    }
    *joined_out = joined;
    return true;
}
