/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three kinds of cells that shape, stain and neighbourhood tell apart: inflammatory, epithelial
 * and stromal. A softmax regression on the features below; see cell_kind.c for its coefficients.
 */
#pragma once
#include "analysis/cells.h"
#include "analysis/maps.h"

typedef enum CellKind { KIND_INFLAMMATORY, KIND_EPITHELIAL, KIND_STROMAL, KIND_COUNT } CellKind;

typedef enum CellFeature {
    FEATURE_ONE,
    FEATURE_LOG_AREA, /* of um2 */
    FEATURE_ROUNDNESS,
    FEATURE_SOLIDITY,
    FEATURE_HAEMATOXYLIN,
    FEATURE_SPREAD, /* of haematoxylin */
    FEATURE_EOSIN,
    FEATURE_CONTRAST,      /* haematoxylin above the surroundings' */
    FEATURE_EOSIN_AROUND,  /* within about 10 um */
    FEATURE_NEIGHBORS,     /* log of 1 + how many within KIND_RADIUS_UM */
    FEATURE_NEAR_LOG_AREA, /* means of those neighbours and the cell itself */
    FEATURE_NEAR_ROUNDNESS,
    FEATURE_NEAR_HAEMATOXYLIN,
    FEATURE_COUNT
} CellFeature;

#define KIND_RADIUS_UM 25.0

/* Fills FEATURE_COUNT values for each cell. */
void cell_features(const TileCells *cells,
                   const SlideMaps *maps,
                   double map_scale,
                   double mpp,
                   float *features_out);

/* Probabilities of the kinds; their sum is 1. */
void cell_kind(const float features[FEATURE_COUNT], float probabilities_out[KIND_COUNT]);
