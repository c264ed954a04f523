/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a result; see result.h. */
#include "analysis/result.h"

#include "base/alloc.h"

void analysis_result_clear(AnalysisResult *result)
{
    alloc_free(result->quality.classes);
    alloc_free(result->tissue.classes);
    alloc_free(result->cells.cells);
    alloc_free(result->cells.points);
    *result = (AnalysisResult){.width_px = 0};
}
