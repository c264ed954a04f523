/* SPDX-License-Identifier: Apache-2.0 */
/* See cells.h. */
#include "analysis/cells.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/cell_spool.h"
#include "base/alloc.h"
#include "base/limits.h"

/* Where a cell stands and which one it is, for sorting. */
typedef struct Place {
    CellPoint centroid;
    uint32_t index;
} Place;

void tile_cells_clear(TileCells *cells)
{
    if (cells->list.memory.bytes == NULL) {
        alloc_free(cells->kinds);
    }
    cell_list_clear(&cells->list);
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

void tile_cells_grow(TileCells *cells, uint32_t count, uint32_t point_count)
{
    reserve(cells, cells->list.count + count, cells->list.point_count + point_count);
    cells->list.count += count;
    cells->list.point_count += point_count;
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

/* Moves a cell with its outline to the front. */
static void move_cell(TileCells *cells, uint32_t from, uint32_t to, uint32_t first_point)
{
    CellList *list = &cells->list;
    const Cell *cell = &list->cells[from];
    memmove(list->points + first_point, list->points + cell->first_point,
            cell->point_count * sizeof *list->points);
    list->cells[to] = *cell;
    list->cells[to].first_point = first_point;
    cells->kinds[to] = cells->kinds[from];
}

/* Closes the gaps that dropped cells leave. What lies before the first one is not written to: its
 * pages would have to go to the disk again. */
void tile_cells_drop(TileCells *cells, const bool *dropped)
{
    CellList *list = &cells->list;
    uint32_t count = 0;
    uint32_t point_count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        cell_list_rest(list, i);
        if (dropped[i]) {
            continue;
        }
        if (count < i) {
            move_cell(cells, i, count, point_count);
        }
        point_count += list->cells[count].point_count;
        count++;
    }
    list->count = count;
    list->point_count = point_count;
}

/* Both arrays of the list and the kinds in one file. */
static bool open_joined(
    TileCells *joined, uint32_t count, uint32_t point_count, const char *folder, Error *error)
{
    *joined = (TileCells){.cell_capacity = count, .point_capacity = point_count};
    if (count == 0) {
        return true;
    }
    size_t cells_size = count * sizeof(Cell);
    size_t points_size = point_count * sizeof(CellPoint);
    CellList *list = &joined->list;
    if (!paged_memory_open(&list->memory, folder,
                           cells_size + points_size + count * sizeof(CellKinds), error)) {
        return false;
    }
    char *bytes = list->memory.bytes;
    list->cells = (Cell *)(void *)bytes;
    list->points = (CellPoint *)(void *)(bytes + cells_size);
    joined->kinds = (CellKinds *)(void *)(bytes + cells_size + points_size);
    return true;
}

/* Moves the cells above a line over, in their order, and keeps the others. */
static void move_above(TileCells *waiting, double line_px, TileCells *joined)
{
    tile_cells_sort(waiting);
    const CellList *list = &waiting->list;
    TileCells kept = {.kinds = NULL};
    for (uint32_t i = 0; i < list->count; i++) {
        const Cell *cell = &list->cells[i];
        bool above = (double)cell->centroid.y_px < line_px;
        add(above ? joined : &kept, cell, &waiting->kinds[i], list->points + cell->first_point);
    }
    tile_cells_clear(waiting);
    *waiting = kept;
    if (joined->list.memory.bytes != NULL) {
        paged_memory_rest(&joined->list.memory);
    }
}

static bool join_rows(const CellSpool *spool,
                      const CellRows *rows,
                      TileCells *waiting,
                      TileCells *joined,
                      Error *error)
{
    for (uint32_t row = 0; row < rows->rows; row++) {
        for (uint32_t column = 0; column < rows->columns; column++) {
            if (!cell_spool_take(spool, row * rows->columns + column, waiting, error)) {
                return false;
            }
        }
        bool last = row + 1 == rows->rows;
        double line_px = last ? (double)INFINITY : (row + 1) * rows->row_px - rows->reach_px;
        move_above(waiting, line_px, joined);
    }
    return true;
}

bool cells_join(const CellSpool *spool,
                const CellRows *rows,
                const char *folder,
                TileCells *joined_out,
                Error *error)
{
    assert(rows->columns * rows->rows == spool->tile_count);
    uint64_t count = 0;
    uint64_t point_count = 0;
    for (uint32_t t = 0; t < spool->tile_count; t++) {
        count += spool->tiles[t].count;
        point_count += spool->tiles[t].point_count;
    }
    if (count > CELLS_MAX) {
        return error_set(error, ERROR_LIMIT, "The slide has more than %d cells", CELLS_MAX);
    }
    TileCells joined;
    if (!open_joined(&joined, (uint32_t)count, (uint32_t)point_count, folder, error)) {
        return false;
    }
    TileCells waiting = {.kinds = NULL};
    bool done = join_rows(spool, rows, &waiting, &joined, error);
    tile_cells_clear(&waiting);
    if (!done) {
        tile_cells_clear(&joined);
        return false;
    }
    *joined_out = joined;
    return true;
}
