/* SPDX-License-Identifier: Apache-2.0 */
/* See packed_cells.h. */
#include "analysis/packed_cells.h"

#include <assert.h>
#include <math.h>

#include "base/alloc.h"

static uint8_t group_of(const Cell *cell)
{
    assert(cell->cell_class > CELL_NONE && cell->cell_class < CELL_CLASS_COUNT);
    for (int tissue = 0; tissue < NUCLEATED_TISSUE_COUNT; tissue++) {
        if (NUCLEATED_TISSUES[tissue] == (TissueClass)cell->tissue_class) {
            return (uint8_t)((cell->cell_class - 1) * NUCLEATED_TISSUE_COUNT + tissue);
        }
    }
    return CELL_GROUP_NONE;
}

void packed_cells_init(PackedCells *packed, const CellList *list, double side_px)
{
    *packed = (PackedCells){.cells = alloc_array((size_t)list->count + 1, sizeof(PackedCell))};
    cell_grid_init(&packed->grid, list, side_px);
    for (uint32_t i = 0; i < list->count; i++) {
        cell_list_rest(list, i);
        const Cell *cell = &list->cells[packed->grid.order[i]];
        packed->cells[i] = (PackedCell){cell->centroid.x_px, cell->centroid.y_px, cell->cell_class,
                                        group_of(cell)};
    }
}

void packed_cells_clear(PackedCells *packed)
{
    cell_grid_clear(&packed->grid);
    alloc_free(packed->cells);
    packed->cells = NULL;
}

static int32_t place_of(double value_px, double side_px, int32_t count)
{
    return (int32_t)fmin(fmax(floor(value_px / side_px), 0), count - 1);
}

PackedSpan packed_span(const PackedCells *packed, int32_t row, double x_px, double end_x_px)
{
    const CellGrid *grid = &packed->grid;
    size_t row_start = (size_t)row * (size_t)grid->columns;
    size_t first = row_start + (size_t)place_of(x_px, grid->side_px, grid->columns);
    size_t last = row_start + (size_t)place_of(end_x_px, grid->side_px, grid->columns);
    return (PackedSpan){grid->starts[first], grid->starts[last + 1]};
}

int32_t packed_row(const PackedCells *packed, double y_px)
{
    return place_of(y_px, packed->grid.side_px, packed->grid.rows);
}
