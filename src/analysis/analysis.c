/* SPDX-License-Identifier: Apache-2.0 */
/* See analysis.h. */
#include "analysis/stages.h"

bool analysis_run(const char *slide_path,
                  const AnalysisOptions *options,
                  AnalysisResult *result_out,
                  Error *error)
{
    AUTO_ANALYSIS analysis = {.options = options, .slide_path = slide_path};
    if (!stages_open(&analysis, error) || !stages_detect(&analysis, error)) {
        return false;
    }
    stages_classify(&analysis);
    *result_out = analysis.result;
    analysis.result = (AnalysisResult){.width_px = 0};
    return true;
}
