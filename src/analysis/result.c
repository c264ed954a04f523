/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a result; see result.h. */
#include "analysis/result.h"

#include "base/alloc.h"

void cell_list_clear(CellList *list)
{
    if (list->memory.bytes != NULL) {
        paged_memory_close(&list->memory);
    } else {
        alloc_free(list->cells);
        alloc_free(list->points);
    }
    *list = (CellList){.cells = NULL};
}

void analysis_result_clear(AnalysisResult *result)
{
    alloc_free(result->quality.classes);
    alloc_free(result->tissue.classes);
    cell_list_clear(&result->cells);
    *result = (AnalysisResult){.width_px = 0};
}
