/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of an analysis, in their order, and what they hand on. analysis_run is all of them;
 * the program that gathers the features for fitting the classifier stops before the last.
 */
#pragma once
#include "analysis/analysis.h"
#include "analysis/cell_kind.h"
#include "analysis/maps.h"
#include "analysis/plan.h"
#include "analysis/tile.h"

typedef struct Analysis {
    const AnalysisOptions *options;
    const char *slide_path;
    AnalysisPlan plan;
    unsigned thread_count;
    TileBuffers *buffers; /* one for each thread */
    SlideMaps maps;
    StainBasis stain;
    StainTable table;
    TileContext tiles;
    TileCells *tile_cells;
    TileCells cells;
    AnalysisResult result;
    const char *stage;
    double stage_start;
    double stage_share;
} Analysis;

/* Reads the slide's plan and makes all buffers; `analysis` has options and slide_path set and all
 * else zero. */
MUST_CHECK bool stages_open(Analysis *analysis, Error *error);
/* Finds quality, maps and cells: their outlines and shapes, but no classes. */
MUST_CHECK bool stages_detect(Analysis *analysis, Error *error);
/* FEATURE_COUNT values for each cell; AUTO_FREE. */
MUST_CHECK float *stages_features(const Analysis *analysis);
/* Drops what is no nucleus and fills tissue and classes. */
void stages_classify(Analysis *analysis);
void stages_clear(Analysis *analysis);
#define AUTO_ANALYSIS CLEANUP(stages_clear) Analysis
