/* SPDX-License-Identifier: Apache-2.0 */
/* The polygons of maps and cells as GeoParquet, with the rings and positions of the GeoJSON files;
 * see report_parts.h. */
#include <math.h>

#include "analysis/polygon_table.h"
#include "analysis/report_parts.h"

static void start_bounds(double bounds[4])
{
    bounds[0] = bounds[1] = INFINITY;
    bounds[2] = bounds[3] = -INFINITY;
}

static void widen_bounds(double bounds[4], double x, double y)
{
    bounds[0] = fmin(bounds[0], x);
    bounds[1] = fmin(bounds[1], y);
    bounds[2] = fmax(bounds[2], x);
    bounds[3] = fmax(bounds[3], y);
}

/* One walk over the region counts its rings and corners, another one writes them. */
static PolygonRow measure_region(const ReportMap *map, RingWalk *walk)
{
    PolygonRow row = {
        .id = walk->region + 1,
        .class = region_class(walk->regions, walk->region),
        .area_um2 = report_region_um2(map, walk->regions, walk->region),
    };
    start_bounds(row.bounds);
    const Ring *ring = ring_walk_next(walk);
    for (; ring != NULL; ring = ring_walk_next(walk)) {
        row.ring_count++;
        row.point_count += ring->count + 1;
        for (uint32_t i = 0; i < ring->count; i++) {
            widen_bounds(row.bounds, report_tenth(report_map_x(map, ring->points[i].x)),
                         report_tenth(report_map_y(map, ring->points[i].y)));
        }
    }
    return row;
}

static void write_ring(const ReportMap *map, const Ring *ring, PolygonTable *table)
{
    polygon_table_ring(table, ring->count + 1);
    for (uint32_t i = 0; i <= ring->count; i++) {
        RingPoint point = ring->points[i % ring->count];
        polygon_table_point(table, report_tenth(report_map_x(map, point.x)),
                            report_tenth(report_map_y(map, point.y)));
    }
}

bool report_map_table(const ReportMap *map,
                      const RegionList *regions,
                      const char *folder,
                      const char *name,
                      Error *error)
{
    PolygonKind kind = {map->classes, map->class_count, "ID", false};
    AUTO_POLYGON_TABLE table = {.count = 0};
    if (!polygon_table_create(&table, &kind, folder, name, error)) {
        return false;
    }
    AUTO_RING_WALK measured;
    AUTO_RING_WALK written;
    ring_walk_init(&measured, regions);
    ring_walk_init(&written, regions);
    for (uint32_t region = 0; region < regions->count; region++) {
        ring_walk_region(&measured, region);
        ring_walk_region(&written, region);
        PolygonRow row = measure_region(map, &measured);
        if (!polygon_table_begin(&table, &row, error)) {
            return false;
        }
        const Ring *ring = ring_walk_next(&written);
        for (; ring != NULL; ring = ring_walk_next(&written)) {
            write_ring(map, ring, &table);
        }
        polygon_table_end_row(&table);
    }
    return polygon_table_finish(&table, error);
}

static PolygonRow measure_cell(const CellList *cells, uint32_t index)
{
    const Cell *cell = &cells->cells[index];
    PolygonRow row = {
        .id = index + 1,
        .class = cell->cell_class,
        .area_um2 = (double)cell->area_um2,
        .centroid = cell->centroid,
        .ring_count = 1,
        .point_count = (uint32_t)cell->point_count + 1,
    };
    start_bounds(row.bounds);
    for (uint32_t i = 0; i < cell->point_count; i++) {
        const CellPoint *point = &cells->points[cell->first_point + i];
        widen_bounds(row.bounds, report_tenth((double)point->x_px),
                     report_tenth((double)point->y_px));
    }
    return row;
}

bool report_cell_table(const AnalysisResult *result,
                       const char *folder,
                       const char *name,
                       Error *error)
{
    PolygonKind kind = {CELL_CLASSES, CELL_CLASS_COUNT, "CELL_ID", true};
    AUTO_POLYGON_TABLE table = {.count = 0};
    if (!polygon_table_create(&table, &kind, folder, name, error)) {
        return false;
    }
    for (uint32_t i = 0; i < result->cells.count; i++) {
        cell_list_rest(&result->cells, i);
        const Cell *cell = &result->cells.cells[i];
        PolygonRow row = measure_cell(&result->cells, i);
        if (!polygon_table_begin(&table, &row, error)) {
            return false;
        }
        CellOutline outline = report_outline(&result->cells, cell);
        polygon_table_ring(&table, outline.count + 1);
        for (uint32_t k = 0; k <= outline.count; k++) {
            CellPoint point = report_outline_point(&outline, k);
            polygon_table_point(&table, report_tenth((double)point.x_px),
                                report_tenth((double)point.y_px));
        }
        polygon_table_end_row(&table);
    }
    return polygon_table_finish(&table, error);
}
