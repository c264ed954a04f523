/* SPDX-License-Identifier: Apache-2.0 */
/* The writers of the single files of a report (report.h), and what they count in common. */
#pragma once
#include <stdbool.h>

#include "analysis/neighborhoods.h"
#include "analysis/regions.h"
#include "analysis/report.h"

/* A class map with the list of its classes. */
typedef struct ReportMap {
    const ClassMap *map;
    const ClassInfo *classes; /* entry 0 has no name */
    int class_count;
    const AnalysisResult *result;
} ReportMap;

enum { REPORT_CLASSES_MAX = 16 };
_Static_assert((int)QUALITY_CLASS_COUNT <= (int)REPORT_CLASSES_MAX &&
                   (int)TISSUE_CLASS_COUNT <= (int)REPORT_CLASSES_MAX,
               "the sums have a place for each class");

/* What each class of a map covers. */
typedef struct ClassSums {
    double areas_um2[REPORT_CLASSES_MAX];
    uint32_t region_counts[REPORT_CLASSES_MAX];
} ClassSums;

/* A corner of the map's pixels in level 0 pixels, inside the image. */
double report_map_x(const ReportMap *map, int32_t x);
double report_map_y(const ReportMap *map, int32_t y);
/* Only what is inside the image. */
double report_region_um2(const ReportMap *map, const RegionList *regions, uint32_t region);

void class_sums_take(const ReportMap *map, const RegionList *regions, ClassSums *sums_out);

/* A tiled TIFF with the classes as palette; pages for coarser levels when it is large. */
MUST_CHECK bool
report_map_image(const ReportMap *map, const char *folder, const char *name, Error *error);
/* One feature a region. */
MUST_CHECK bool report_map_polygons(const ReportMap *map,
                                    const RegionList *regions,
                                    const char *folder,
                                    const char *name,
                                    Error *error);
/* CLASS, AREA_UM2, PERCENTAGE. */
MUST_CHECK bool report_map_classes(const ReportMap *map,
                                   const ClassSums *sums,
                                   const char *folder,
                                   const char *name,
                                   Error *error);

/* The same regions as a GeoParquet table (polygon_table.h). */
MUST_CHECK bool report_map_table(const ReportMap *map,
                                 const RegionList *regions,
                                 const char *folder,
                                 const char *name,
                                 Error *error);

/* "A linear ring MUST follow the right-hand rule with respect to the area it bounds, i.e.,
 * exterior rings are counterclockwise" (RFC 7946, 3.1.6). The first point stays the first. */
typedef struct CellOutline {
    const CellPoint *points; /* as the cell has them */
    uint32_t count;
    bool backwards;
} CellOutline;
CellOutline report_outline(const CellList *cells, const Cell *cell);
/* The point at `index` of the ring; behind the last one comes the first again. */
CellPoint report_outline_point(const CellOutline *outline, uint32_t index);

/* One feature a cell. */
MUST_CHECK bool report_cell_polygons(const AnalysisResult *result,
                                     const char *folder,
                                     const char *name,
                                     Error *error);
/* The same cells as a GeoParquet table. */
MUST_CHECK bool
report_cell_table(const AnalysisResult *result, const char *folder, const char *name, Error *error);
/* One line a cell. */
MUST_CHECK bool report_cell_readouts(const AnalysisResult *result,
                                     const char *folder,
                                     const char *name,
                                     Error *error);

/* What the readouts of a slide are made of, beside the result. */
typedef struct SlideSums {
    const ClassSums *quality;
    const ClassSums *tissue;
    const RegionList *tissue_regions;
    const Neighborhood *neighborhoods; /* NEIGHBORHOOD_RADIUS_COUNT */
} SlideSums;

/* One line for the slide. */
MUST_CHECK bool report_slide_readouts(const AnalysisResult *result,
                                      const SlideSums *sums,
                                      const ReportOptions *options,
                                      const char *name,
                                      Error *error);

/* The first line of both readouts. */
#define REPORT_COMMENT "# For Research Use Only\n"
