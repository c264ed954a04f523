/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cells of a slide while they are being collected: one list for each tile, joined and put in
 * the order of their places. Beside each cell stand the kinds that it may be of. The joined list
 * lies in a file: a large slide has some millions of cells.
 */
#pragma once
#include "analysis/nuclei.h"
#include "analysis/result.h"
#include "base/error.h"

typedef struct TileCells {
    CellList list;    /* first_point counts from the list's own points */
    CellKinds *kinds; /* in list.memory where there is one */
    uint32_t cell_capacity;
    uint32_t point_capacity;
} TileCells;

void tile_cells_clear(TileCells *cells);
/* Adds a nucleus whose coordinates are already those of level 0. */
void tile_cells_add(TileCells *cells, const Nucleus *nucleus);
/* Makes the list so much longer; what is new is not set. */
void tile_cells_grow(TileCells *cells, uint32_t count, uint32_t point_count);
/* Puts the cells in the order of their centroids: by y, then x. */
void tile_cells_sort(TileCells *cells);

/* Removes the marked cells with their outlines; the others keep their order. */
void tile_cells_drop(TileCells *cells, const bool *dropped);

typedef struct CellSpool CellSpool;

/* How the tiles of a spool lie on the slide, row by row. */
typedef struct CellRows {
    uint32_t columns;
    uint32_t rows;
    double row_px;   /* height of a row in level 0 pixels */
    double reach_px; /* no centroid lies farther outside of its tile */
} CellRows;

/* Joins the cells of a spool into a file in the folder, in the order of their centroids; a row of
 * tiles at a time is held. ERROR_LIMIT above CELLS_MAX. */
MUST_CHECK bool cells_join(const CellSpool *spool,
                           const CellRows *rows,
                           const char *folder,
                           TileCells *joined_out,
                           Error *error);
