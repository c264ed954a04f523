/* SPDX-License-Identifier: Apache-2.0 */
/* Where the cells of each tile wait on disk until all tiles are done. Threads put different tiles
 * at the same time. */
#pragma once
#include <stdatomic.h>

#include "analysis/cells.h"

typedef struct SpooledTile {
    uint64_t offset; /* in the file: cells, kinds, points */
    uint32_t count;
    uint32_t point_count;
} SpooledTile;

struct CellSpool {
    int fd;
    _Atomic uint64_t end;
    uint32_t tile_count;
    SpooledTile *tiles;
};

MUST_CHECK bool
cell_spool_open(CellSpool *spool, const char *folder, uint32_t tile_count, Error *error);
void cell_spool_close(CellSpool *spool);
#define AUTO_CELL_SPOOL CLEANUP(cell_spool_close) CellSpool

/* The cells of one tile, once; the list is empty afterwards. */
MUST_CHECK bool cell_spool_put(CellSpool *spool, uint32_t tile, TileCells *cells, Error *error);
/* Adds them to `cells`, in their order. */
MUST_CHECK bool
cell_spool_take(const CellSpool *spool, uint32_t tile, TileCells *cells, Error *error);
