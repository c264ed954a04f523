/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of an analysis, in their order, and what they hand on. */
#pragma once
#include "analysis/analysis.h"
#include "analysis/block.h"
#include "analysis/cell_spool.h"
#include "analysis/maps.h"
#include "analysis/plan.h"

/* Patches of tissue that the stains are estimated from. */
typedef struct StainSamples {
    const size_t *places; /* on the map */
    uint8_t *rgb;         /* one patch after the other */
} StainSamples;

typedef struct Analysis {
    const AnalysisOptions *options;
    const char *slide_path;
    AnalysisPlan plan;
    unsigned thread_count;
    Network *own_network; /* the one that is built in, when none was given */
    NetworkProgram program;
    BlockBuffers *buffers; /* one for each thread */
    SlideMaps maps;
    StainSamples samples;
    StainBasis stain;
    StainTable table;
    TileContext tiles;
    CellSpool spool;
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
/* Fills tissue and classes. */
void stages_classify(Analysis *analysis);
void stages_clear(Analysis *analysis);
#define AUTO_ANALYSIS CLEANUP(stages_clear) Analysis
