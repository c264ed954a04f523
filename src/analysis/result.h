/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the analysis of one slide gives: two class maps on the same grid, and the cells. The
 * pipeline (analysis.h) fills it, the reports (report.h) write it.
 */
#pragma once
#include <stdint.h>

#include "analysis/classes.h"
#include "analysis/paged_memory.h"
#include "base/attributes.h"

/* One class for each place of the slide. Pixel (x, y) covers the level 0 pixels from
 * (x * scale, y * scale) to ((x + 1) * scale, (y + 1) * scale); the last row and column may reach
 * beyond the image. */
typedef struct ClassMap {
    int32_t width_px;
    int32_t height_px;
    double scale;     /* level 0 pixels for one pixel of the map */
    double mpp;       /* microns of one pixel of the map */
    uint8_t *classes; /* width_px * height_px, rows without padding; QualityClass or TissueClass */
} ClassMap;

typedef struct CellPoint {
    float x_px; /* level 0 */
    float y_px;
} CellPoint;

/* One nucleus: what is called a cell in the outputs. */
typedef struct Cell {
    CellPoint centroid;
    uint32_t first_point; /* its outline in CellList.points: a simple ring, not closed twice */
    uint16_t point_count; /* 3 or more */
    uint8_t cell_class;   /* CellClass */
    uint8_t tissue_class; /* TissueClass at its centroid */
    float area_um2;
    float perimeter_um;
    float major_axis_um; /* of the ellipse with the same second moments */
    float minor_axis_um;
    float roundness;   /* minor / major, 0..1; readouts have shape_roundness instead */
    float solidity;    /* area / area of the convex hull, 0..1 */
    float hematoxylin; /* mean optical density of haematoxylin */
} Cell;

/* In the order of their centroids, by y, then x: the same in every run. */
typedef struct CellList {
    Cell *cells;
    uint32_t count;
    CellPoint *points;
    uint32_t point_count;
    PagedMemory memory; /* where both lie; none: allocated */
} CellList;

void cell_list_clear(CellList *list);
/* To be called for each cell in loops over all of them: lets go of pages now and then. */
static inline void cell_list_rest(const CellList *list, uint32_t index)
{
    enum { CELLS_BETWEEN = 32 * 1024 };
    if (index % CELLS_BETWEEN == 0 && list->memory.bytes != NULL) {
        paged_memory_rest(&list->memory);
    }
}

typedef struct AnalysisResult {
    int64_t width_px; /* of level 0 */
    int64_t height_px;
    double mpp; /* microns of one level 0 pixel */
    ClassMap quality;
    ClassMap tissue; /* on the grid of `quality` */
    CellList cells;
    UntoldClasses untold; /* what the maps and the cells can have no place for */
} AnalysisResult;

void analysis_result_clear(AnalysisResult *result);
#define AUTO_ANALYSIS_RESULT CLEANUP(analysis_result_clear) AnalysisResult
