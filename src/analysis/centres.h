/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the network says of a part of the slide: the centres of nuclei, which are the peaks of its
 * first channel once that is smoothed (single places of it are noisy), with the kind that it finds
 * likely, and where nuclei are at all.
 */
#pragma once
#include "analysis/cell_kind.h"
#include "analysis/grid.h"
#include "analysis/network/stream.h"

/* The channels that are needed, and at what resolution. */
typedef enum LogitChannel {
    LOGIT_CENTRE, /* a nucleus, where its sum over the places around is above 0 and a peak */
    LOGIT_INFLAMMATORY,
    LOGIT_EPITHELIAL,
    LOGIT_STROMAL,
    LOGIT_NUCLEUS, /* above 0: within a nucleus */
    LOGIT_CHANNELS
} LogitChannel;
#define LOGIT_DOWNSAMPLE 2
/* The sum is over so many logit pixels to each side. */
#define HEAT_RADIUS 1
/* A peak is the highest within so many logit pixels to each side. */
#define PEAK_RADIUS 2

/* On the work grid, between pixels: (1, 1) is the corner that pixels 0 and 1 share. */
typedef struct Centre {
    int64_t x_px;
    int64_t y_px;
    CellKinds kinds;
} Centre;

typedef struct Centres {
    GridRect rect; /* of the work grid, that the network has seen; sides and corner are even */
    Centre *items; /* by y, then x */
    uint32_t count;
    uint32_t capacity;
    int8_t *nucleus; /* LOGIT_NUCLEUS in 16ths of a logit's unit, of rect in half resolution */
} Centres;

/* Finds them in rows of logits. */
typedef struct CentreFinder CentreFinder;

/* ERROR_INVALID when the network has other channels or another resolution. */
MUST_CHECK bool centres_check(const Network *network, Error *error);

/* For parts of the slide of at most that size. */
MUST_CHECK CentreFinder *
centre_finder_create(const NetworkProgram *program, int32_t width_max, int32_t height_max);
void centre_finder_destroy(CentreFinder *finder);

/* Runs the network over the RGB triples of `rect`. What it gives is valid until the next call. */
const Centres *centre_finder_run(CentreFinder *finder, const GridRect *rect, const uint8_t *rgb);

/* Whether a pixel of the work grid, which lies within the rectangle, is within a nucleus: the
 * logits around it, bilinear. */
bool centres_nucleus_at(const Centres *centres, int64_t x, int64_t y);
