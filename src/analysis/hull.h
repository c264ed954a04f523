/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The convex hull of pixels, each a unit square, and the smallest rectangle around it.
 */
#pragma once
#include "analysis/regions.h"

/* A hull that is being built of rows from top to bottom. */
typedef struct Hull {
    RingPoint *points; /* the left side; once it is closed, the whole ring */
    RingPoint *right;
    int32_t count;
    int32_t right_count;
} Hull;

/* For `row_count` rows. */
void hull_init(Hull *hull, int32_t row_count);
void hull_clear(Hull *hull);
#define AUTO_HULL CLEANUP(hull_clear) Hull

/* Pixels of one row, from the first to the last one of it; what lies between does not matter. */
void hull_add_row(Hull *hull, int32_t row, int32_t first, int32_t end);
/* After the last row, of which there is at least one. Points that lie on a straight line between
 * others are no points of the hull. */
void hull_close(Hull *hull);

/* Of a hull that is closed. */
int64_t hull_area_doubled(const Hull *hull);

typedef struct HullRectangle {
    double longer; /* sides */
    double shorter;
} HullRectangle;

/* The rectangle of the least area that encloses the hull, in any direction: one of its sides lies
 * along an edge of the hull (Freeman and Shapira: Determining the minimum-area encasing rectangle
 * for an arbitrary closed curve, Communications of the ACM 18, 1975). Of several the longest. Takes
 * the square of the number of points, which are few: a thousand for a disc of 10,000 rows.
 */
HullRectangle hull_rectangle(const Hull *hull);
