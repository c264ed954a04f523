/* SPDX-License-Identifier: Apache-2.0 */
/* Cells sorted into squares, so that those near a place are found without looking at all. */
#pragma once
#include "analysis/result.h"

typedef struct CellGrid {
    const CellList *list;
    double side_px;
    int32_t columns;
    int32_t rows;
    uint32_t *starts; /* of each square in `order`, and the end of the last */
    uint32_t *order;  /* cells by square; within one in the order of the list */
} CellGrid;

/* The list must not change while the grid is in use. */
void cell_grid_init(CellGrid *grid, const CellList *list, double side_px);
void cell_grid_clear(CellGrid *grid);
