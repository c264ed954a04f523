/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outline of a labelled region as a simple ring: it runs through the middles of the pixel
 * edges between the region and its surroundings (marching squares, Lorensen and Cline 1987, on a
 * binary image), which never meets itself, and is then thinned by Douglas and Peucker's method
 * (Algorithms for the reduction of the number of points, 1973).
 */
#pragma once
#include "analysis/raster.h"
#include "analysis/result.h"

/* Longer outlines are no nuclei. */
#define OUTLINE_POINTS_MAX 1024
/* Of a thinned outline. */
#define OUTLINE_THIN_POINTS_MAX 64

typedef struct LabelImage {
    const uint32_t *labels;
    RasterSize size;
} LabelImage;

/* Traces the outer border of the 4-connected region that holds `pixel`, its first one in reading
 * order, clockwise on the screen. Coordinates are in pixels, pixel (0, 0) from 0 to 1. Returns how
 * many points there are (4 or more), or 0 when there would be more than OUTLINE_POINTS_MAX. */
uint32_t
outline_trace(const LabelImage *image, size_t pixel, CellPoint points_out[OUTLINE_POINTS_MAX]);

/* Thins a ring in place so that no removed point lies farther than `tolerance` from it; returns
 * the new count, 3 or more. The result is simple: where thinning would make the ring cross itself
 * or leave more than OUTLINE_THIN_POINTS_MAX points, the convex hull takes its place. */
uint32_t outline_thin(CellPoint *points, uint32_t count, double tolerance);

/* The convex hull (Andrew's monotone chain, 1979), in place; returns its count. */
uint32_t outline_hull(CellPoint *points, uint32_t count);

/* The area inside a ring (shoelace formula), positive in either direction. */
double outline_area(const CellPoint *points, uint32_t count);
double outline_length(const CellPoint *points, uint32_t count);
/* No two edges touch but neighbours at their common point. */
bool outline_simple(const CellPoint *points, uint32_t count);
