/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three kinds of cells that shape, stain and neighbourhood tell apart: inflammatory, epithelial
 * and stromal. A softmax regression on the features below; see cell_kind.c for its coefficients.
 */
#pragma once
#include "analysis/cells.h"
#include "analysis/maps.h"

/* KIND_NONE: no nucleus after all. */
typedef enum CellKind {
    KIND_NONE,
    KIND_INFLAMMATORY,
    KIND_EPITHELIAL,
    KIND_STROMAL,
    KIND_COUNT
} CellKind;

/* What has a higher probability of KIND_NONE is dropped. */
#define KIND_NONE_MAX 0.6F

/* Densities are relative to the slide's own (see CellScene), so that stronger staining is no
 * feature. */
typedef enum CellFeature {
    FEATURE_LOG_AREA, /* of um2 */
    FEATURE_ROUNDNESS,
    FEATURE_SOLIDITY,
    FEATURE_HAEMATOXYLIN,
    FEATURE_SPREAD,   /* of haematoxylin */
    FEATURE_CONTRAST, /* haematoxylin above the surroundings' */
    FEATURE_EDGE,     /* steepness of haematoxylin at its outline, per um */
    FEATURE_EOSIN,
    FEATURE_HAEMATOXYLIN_AROUND, /* within about 10 um, outside of nuclei */
    FEATURE_EOSIN_AROUND,
    FEATURE_NEIGHBORS,     /* log of 1 + how many within KIND_RADIUS_UM */
    FEATURE_NEAR_LOG_AREA, /* means of those neighbours and the cell itself */
    FEATURE_NEAR_ROUNDNESS,
    FEATURE_NEAR_HAEMATOXYLIN,
    FEATURE_COUNT
} CellFeature;

#define KIND_RADIUS_UM 25.0

/* Where the cells stand. */
typedef struct CellScene {
    const SlideMaps *maps;
    double map_scale;   /* level 0 pixels of a map pixel */
    double mpp;         /* of level 0 */
    float haematoxylin; /* density that separates nuclei on this slide */
    float eosin;        /* median density of its tissue */
} CellScene;

/* Fills FEATURE_COUNT values for each cell. */
void cell_features(const TileCells *cells, const CellScene *scene, float *features_out);

/* Probabilities of the kinds; their sum is 1. */
void cell_kind(const float features[FEATURE_COUNT], float probabilities_out[KIND_COUNT]);
