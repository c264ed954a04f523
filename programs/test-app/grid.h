/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slide as a coarse grid of at most GRID_SIDE_MAX cells a side, each put into one class by its
 * mean colour. It is quick and repeatable, and no statement about the tissue.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "slides/slide.h"

enum { GRID_SIDE_MAX = 128 };

typedef struct GridClass {
    const char *name;
    uint8_t color[3];
} GridClass;

/* One classification of the cells: 0 is no class, k is classes[k - 1]. */
typedef struct GridMap {
    const char *name; /* before the ':' of its artifacts */
    const GridClass *classes;
    int class_count;
    uint8_t *cells; /* row by row */
} GridMap;

enum { GRID_MAP_COUNT = 2 };

typedef struct Grid {
    int columns;
    int rows;
    double cell_px;   /* side of a cell in pixels of level 0 */
    int64_t width_px; /* of level 0 */
    int64_t height_px;
    GridMap maps[GRID_MAP_COUNT];
} Grid;

MUST_CHECK bool grid_measure(Slide *slide, Grid *grid_out, Error *error);
void grid_clear(Grid *grid);
#define AUTO_GRID CLEANUP(grid_clear) Grid

/* Width and height of a cell in pixels of level 0; those at the right and lower edge are cut. */
double grid_cell_area_px(const Grid *grid, int column, int row);
