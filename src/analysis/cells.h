/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cells of a slide while they are being collected: one list for each tile, joined in the order
 * of the tiles. Beside each cell stands how its nucleus looks.
 */
#pragma once
#include "analysis/nuclei.h"
#include "analysis/result.h"
#include "base/error.h"

typedef struct TileCells {
    CellList list; /* first_point counts from the list's own points */
    NucleusLook *looks;
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

/* Joins the lists (which become empty) into *joined_out and drops cells that an earlier list has:
 * those whose centroids are closer than `distance_px`. ERROR_LIMIT above CELLS_MAX. */
MUST_CHECK bool cells_join(
    TileCells *tiles, uint32_t tile_count, float distance_px, TileCells *joined_out, Error *error);
