/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells packed for a look at each one's surroundings: sorted into squares, those of a row of
 * squares side by side, with no more of each than its place and its kinds.
 */
#pragma once
#include "analysis/cell_grid.h"
#include "analysis/neighborhoods.h"

/* A group is what the centres of neighbourhoods are told apart by: class and nucleated tissue. */
enum {
    CELL_GROUP_COUNT = (CELL_CLASS_COUNT - 1) * NUCLEATED_TISSUE_COUNT,
    CELL_GROUP_NONE = CELL_GROUP_COUNT
};
_Static_assert(CELL_GROUP_COUNT <= 64, "groups are bits of a word");

typedef struct PackedCell {
    float x_px; /* level 0 */
    float y_px;
    uint8_t cell_class;
    uint8_t group; /* CELL_GROUP_NONE: in no nucleated tissue */
} PackedCell;

typedef struct PackedCells {
    CellGrid grid;     /* its `starts` count in `cells` */
    PackedCell *cells; /* by square, row by row */
} PackedCells;

static inline int cell_group_class(int group)
{
    return group / NUCLEATED_TISSUE_COUNT + 1;
}

/* In the order of NUCLEATED_TISSUES. */
static inline int cell_group_tissue(int group)
{
    return group % NUCLEATED_TISSUE_COUNT;
}

void packed_cells_init(PackedCells *packed, const CellList *list, double side_px);
void packed_cells_clear(PackedCells *packed);
#define AUTO_PACKED_CELLS CLEANUP(packed_cells_clear) PackedCells

/* Cells [first, end) of `cells` are those of the squares of one row from x_px on to end_x_px. */
typedef struct PackedSpan {
    uint32_t first;
    uint32_t end;
} PackedSpan;

PackedSpan packed_span(const PackedCells *packed, int32_t row, double x_px, double end_x_px);
/* The row of squares that holds y_px, or the nearest one. */
int32_t packed_row(const PackedCells *packed, double y_px);
