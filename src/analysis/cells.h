/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cells of a slide while they are being collected: one list for each tile, joined and put in
 * the order of their places. Beside each cell stand the kinds that it may be of.
 */
#pragma once
#include "analysis/nuclei.h"
#include "analysis/result.h"
#include "base/error.h"

typedef struct TileCells {
    CellList list; /* first_point counts from the list's own points */
    CellKinds *kinds;
    uint32_t cell_capacity;
    uint32_t point_capacity;
} TileCells;

void tile_cells_clear(TileCells *cells);
/* Adds a nucleus whose coordinates are already those of level 0. */
void tile_cells_add(TileCells *cells, const Nucleus *nucleus);
/* Puts the cells in the order of their centroids: by y, then x. */
void tile_cells_sort(TileCells *cells);

/* Removes the marked cells with their outlines; the others keep their order. */
void tile_cells_drop(TileCells *cells, const bool *dropped);

/* Joins the lists (which become empty) into *joined_out, in the order of their centroids.
 * ERROR_LIMIT above CELLS_MAX. */
MUST_CHECK bool
cells_join(TileCells *tiles, uint32_t tile_count, TileCells *joined_out, Error *error);
