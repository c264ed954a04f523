/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The analysis of one H&E slide: quality and tissue of each place, and every nucleus with outline,
 * shape and class. The slide is read tile by tile and the cells lie in a file, so that memory is
 * bounded by the maps and the buffers of each thread. The result depends on the slide and the
 * options alone, never on the number of threads or the size of tiles.
 */
#pragma once
#include "analysis/network/kernels.h"
#include "analysis/network/network.h"
#include "analysis/result.h"
#include "base/attributes.h"
#include "base/error.h"

/* Resolutions of level 0 that are analysed: nuclei need about 1 micron per pixel. */
#define ANALYSIS_MPP_MIN 0.08
#define ANALYSIS_MPP_MAX 1.1
/* The quality of a slide (overview.h) shows in pictures as coarse as thumbnails. */
#define ANALYSIS_OVERVIEW_MPP_MAX 100.0

/* A part of the slide, in level 0 pixels. */
typedef struct AnalysisRegion {
    int64_t x_px;
    int64_t y_px;
    int64_t width_px;
    int64_t height_px;
} AnalysisRegion;

typedef struct AnalysisOptions {
    double mpp;            /* of level 0; replaces the file's own when > 0 */
    unsigned thread_count; /* 0: one for each core */
    /* Where there is room for the cells, some 500 bytes each while they are being put in order and
     * half of it afterwards, in files without a name; NULL: the folder for temporary files. */
    const char *scratch_folder;
    /* When there are any, pixels of the maps are not looked at where the middle of what they show
     * of the slide lies in none of them: they have no class and no cells. */
    const AnalysisRegion *regions;
    size_t region_count;
    /* Called now and then on the thread that called analysis_run; may be NULL. `fraction` grows
     * from 0 to 1, `stage` is a constant. */
    void (*progress)(void *context, double fraction, const char *stage);
    void *progress_context;
    const Network *network;   /* NULL: the one that is built in */
    const KernelSet *kernels; /* NULL: the fastest; for tests */
    double tile_um;           /* 0: as usual; results do not depend on it; for tests */
} AnalysisOptions;

/* Fails with ERROR_NOT_FOUND or ERROR_INVALID when the slide cannot be read, with ERROR_INVALID
 * when its resolution is unknown or outside ANALYSIS_MPP_MIN..MAX, and with ERROR_LIMIT when it has
 * more than CELLS_MAX cells. *result_out needs analysis_result_clear. */
MUST_CHECK bool analysis_run(const char *slide_path,
                             const AnalysisOptions *options,
                             AnalysisResult *result_out,
                             Error *error);
