/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quality of each place of a slide in its mean colours alone: glass, tissue, ink and folds, but
 * not focus. It needs no pixels as fine as nuclei, so that overviews and thumbnails have one too.
 */
#pragma once
#include "analysis/result.h"
#include "base/attributes.h"
#include "base/error.h"

/* `mpp` replaces the file's own when > 0. The result has a quality map, no tissue map and no cells.
 * Errors are those of analysis_run, but resolutions may be up to ANALYSIS_OVERVIEW_MPP_MAX. */
MUST_CHECK bool
analysis_overview(const char *slide_path, double mpp, AnalysisResult *result_out, Error *error);
