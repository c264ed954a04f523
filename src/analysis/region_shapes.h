/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of the regions of a class map: those of single regions, and for each class their
 * means and the largest one. A region is its whole pixels, also where the last row or column of
 * the map reaches beyond the image.
 */
#pragma once
#include "analysis/regions.h"

typedef struct RegionShape {
    double area_um2;        /* its pixels */
    double filled_area_um2; /* what its exterior ring encloses: with all that lies in its holes */
    double convex_area_um2; /* of the convex hull of its pixels' corners */
    double extent_um2;      /* of the rectangle around it whose sides are those of the image */
    double perimeter_um;    /* of its exterior ring and its holes, see shape_outline_length */
    double major_axis_um;   /* sides of the smallest rectangle around it, see hull_rectangle */
    double minor_axis_um;
    double roundness; /* shape_roundness of its filled area and its exterior ring; 1 - roundness is
                         its eccentricity */
    double solidity;  /* area / convex area, 0..1 */
} RegionShape;

/* Of the regions of one class. Without any, count is 0 and nothing else is set. */
typedef struct RegionShapes {
    uint32_t count;
    double roundness_sum;
    double extent_um2_sum;
    double solidity_sum;
    RegionShape largest; /* the one of the largest area; the first of several */
} RegionShapes;

/* shapes_out[class] for each class of the map below `class_count`; there must be none above. */
void region_shapes_take(const RegionList *regions, RegionShapes *shapes_out, int class_count);
