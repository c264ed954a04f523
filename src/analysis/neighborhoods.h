/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cells are near which: for each kind of cell in each nucleated tissue, the cells that lie
 * at most a radius away, and the area within the radius.
 *
 * A centre is a cell of class y in tissue t. A neighbour of it is any other cell whose centroid is
 * at most the radius away, whatever its class and tissue. What is near is counted once, however
 * many centres are near it. Everything is a sum of integers, so that no order of work shows.
 */
#pragma once
#include "analysis/result.h"
#include "base/error.h"

/* Tissue in which cells are reported, in the order of the columns. */
enum { NUCLEATED_TISSUE_COUNT = 5 };
extern const TissueClass NUCLEATED_TISSUES[NUCLEATED_TISSUE_COUNT];

enum { NEIGHBORHOOD_RADIUS_COUNT = 2 };
extern const int NEIGHBORHOOD_RADII_UM[NEIGHBORHOOD_RADIUS_COUNT];

/* The neighbours of class x of the centres of class y in tissue t. */
typedef struct NeighborCounts {
    uint64_t centers;   /* centres that have such a neighbour */
    uint64_t neighbors; /* cells of class x that are a neighbour of at least one centre */
    uint64_t distance;  /* sum over those centres: to the nearest of class x, each rounded to a
                           multiple of 2^-NEIGHBORHOOD_DISTANCE_BITS um */
} NeighborCounts;

enum { NEIGHBORHOOD_DISTANCE_BITS = 20 };

/* For one radius; `tissue` counts in the order of NUCLEATED_TISSUES. */
typedef struct Neighborhood {
    NeighborCounts counts[CELL_CLASS_COUNT][CELL_CLASS_COUNT][NUCLEATED_TISSUE_COUNT]; /* x, y, t */
    /* The union of discs around the centres, whatever tissue they cover, as a count of square
     * microns, which begin at the image's upper left corner: those whose middle lies in the image
     * and at most the radius away from the middle of one that holds a centre. */
    uint64_t areas_um2[CELL_CLASS_COUNT][NUCLEATED_TISSUE_COUNT]; /* y, t */
} Neighborhood;

/* Fills one for each radius; some 100 KiB. Takes 16 bytes a cell and a MiB a thread while it
 * runs; all cells must have a class. */
MUST_CHECK bool neighborhoods_count(const AnalysisResult *result,
                                    unsigned thread_count,
                                    Neighborhood neighborhoods_out[NEIGHBORHOOD_RADIUS_COUNT],
                                    Error *error);

/* In microns; NaN without centres. */
double neighbor_distance_mean(const NeighborCounts *counts);
/* All cells that are a neighbour of a centre of class y in tissue t. */
uint64_t neighborhood_total(const Neighborhood *neighborhood, int center_class, int tissue);
