/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the cells near a place: cells sorted into squares, whose side is the largest distance that
 * is asked for. */
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
#define AUTO_CELL_GRID CLEANUP(cell_grid_clear) CellGrid

/* Calls `visit` for every cell but `index` itself whose centroid is at most side_px away from that
 * of cell `index`, always in the same order. */
typedef void (*CellVisit)(void *context, uint32_t neighbor, double distance_px);
void cell_grid_visit(const CellGrid *grid, uint32_t index, CellVisit visit, void *context);
