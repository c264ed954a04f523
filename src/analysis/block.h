/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of tiles: its pixels are read once, the network finds the centres of nuclei in all of it,
 * and then tile by tile follows what needs no more than a margin. The network looks so far around
 * that single tiles would be mostly margin.
 */
#pragma once
#include "analysis/cell_spool.h"
#include "analysis/centres.h"
#include "analysis/tile.h"

/* The buffers of one thread. */
typedef struct BlockBuffers {
    GridReader reader;
    uint8_t *rgb;
    CentreFinder *finder;
    TileBuffers tile;
    TileCells cells; /* of one tile */
} BlockBuffers;

MUST_CHECK bool block_buffers_open(BlockBuffers *buffers,
                                   const AnalysisPlan *plan,
                                   const NetworkProgram *program,
                                   const char *slide_path,
                                   Error *error);
void block_buffers_close(BlockBuffers *buffers);

/* Measures the block's part of the maps, and puts the nuclei of each of its tiles into the spool.
 */
MUST_CHECK bool block_analyze(const TileContext *context,
                              BlockBuffers *buffers,
                              uint32_t block,
                              CellSpool *spool,
                              Error *error);
