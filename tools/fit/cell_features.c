/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what the classifier of cells sees of each nucleus of a slide: one line of CSV with the
 * centroid in level 0 pixels and the features in the order of CellFeature. For fit_cell_kinds.py.
 */
#include <stdio.h>

#include "analysis/stages.h"
#include "base/parse.h"

static int print_features(const char *path, const AnalysisOptions *options)
{
    Error error = {0};
    AUTO_ANALYSIS analysis = {.options = options, .slide_path = path};
    if (!stages_open(&analysis, &error) || !stages_detect(&analysis, &error)) {
        fprintf(stderr, "%s: %s\n", path, error.message);
        return 1;
    }
    AUTO_FREE float *features = stages_features(&analysis);
    const CellList *list = &analysis.cells.list;
    for (uint32_t i = 0; i < list->count; i++) {
        CellPoint centroid = list->cells[i].centroid;
        fprintf(stdout, "%.2f,%.2f", (double)centroid.x_px, (double)centroid.y_px);
        for (uint32_t f = 0; f < FEATURE_COUNT; f++) {
            fprintf(stdout, ",%.5g", (double)features[i * FEATURE_COUNT + f]);
        }
        fprintf(stdout, "\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    AnalysisOptions options = {.mpp = 0};
    if (argc != 3 || !parse_double(text_of(argv[2]), &options.mpp)) {
        fprintf(stderr, "usage: cell_features SLIDE MPP\n");
        return 2;
    }
    return print_features(argv[1], &options);
}
