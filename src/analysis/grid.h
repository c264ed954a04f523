/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slide seen on a grid of another resolution: a pixel of the grid is the mean of the pixels of a
 * level that it covers. Grids start at the slide's corner, so that all tiles see the same pixels.
 */
#pragma once
#include "slides/slide.h"

typedef struct Grid {
    int level;    /* that it is read from */
    double ratio; /* pixels of that level for one of the grid; below 1: interpolated */
    double scale; /* level 0 pixels for one of the grid */
    double mpp;   /* microns of a pixel of the grid */
} Grid;

/* In pixels of a grid; it may reach beyond the slide, which is white there. */
typedef struct GridRect {
    int64_t x;
    int64_t y;
    int32_t width;
    int32_t height;
} GridRect;

/* A slide and the buffer that its pixels pass through; for one thread. */
typedef struct GridReader {
    Slide *slide;
    uint8_t *strip;
} GridReader;

MUST_CHECK bool grid_reader_open(GridReader *reader, const char *slide_path, Error *error);
void grid_reader_close(GridReader *reader);

/* Fills width * height RGB triples. A row of pixels of the level that the rectangle needs at once
 * must fit GRID_STRIP_PX. */
MUST_CHECK bool grid_read(
    GridReader *reader, const Grid *grid, const GridRect *rect, uint8_t *rgb_out, Error *error);

#define GRID_STRIP_PX (4L * 1024 * 1024)
