/* SPDX-License-Identifier: Apache-2.0 */
/* GeoJSON and table of the cells; see report_parts.h. */
#include "analysis/neighborhoods.h"
#include "analysis/report_file.h"
#include "analysis/report_parts.h"
#include "analysis/shape.h"

static void write_point(CellPoint point, Buffer *buffer)
{
    buffer_byte(buffer, '[');
    report_tenths(buffer, (double)point.x_px);
    buffer_byte(buffer, ',');
    report_tenths(buffer, (double)point.y_px);
    buffer_byte(buffer, ']');
}

static double signed_area(const CellPoint *points, uint32_t count)
{
    double twice = 0;
    for (uint32_t i = 0; i < count; i++) {
        const CellPoint *a = &points[i];
        const CellPoint *b = &points[(i + 1) % count];
        twice += (double)a->x_px * (double)b->y_px - (double)b->x_px * (double)a->y_px;
    }
    return twice / 2;
}

CellOutline report_outline(const CellList *cells, const Cell *cell)
{
    const CellPoint *points = &cells->points[cell->first_point];
    return (CellOutline){points, cell->point_count, signed_area(points, cell->point_count) < 0};
}

CellPoint report_outline_point(const CellOutline *outline, uint32_t index)
{
    uint32_t from_first = index % outline->count;
    bool turned = outline->backwards && from_first > 0;
    return outline->points[turned ? outline->count - from_first : from_first];
}

static void write_outline(const CellList *cells, const Cell *cell, Buffer *buffer)
{
    CellOutline outline = report_outline(cells, cell);
    buffer_string(buffer, "[[");
    for (uint32_t i = 0; i < outline.count; i++) {
        write_point(report_outline_point(&outline, i), buffer);
        buffer_byte(buffer, ',');
    }
    write_point(outline.points[0], buffer);
    buffer_string(buffer, "]]");
}

bool report_cell_polygons(const AnalysisResult *result,
                          const char *folder,
                          const char *name,
                          Error *error)
{
    AUTO_REPORT_FILE file = {.path = NULL};
    if (!report_file_create(&file, folder, name, error)) {
        return false;
    }
    buffer_string(&file.buffer, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (uint32_t i = 0; i < result->cells.count; i++) {
        cell_list_rest(&result->cells, i);
        const Cell *cell = &result->cells.cells[i];
        const ClassInfo *class = &CELL_CLASSES[cell->cell_class];
        buffer_format(&file.buffer,
                      "%s\n{\"type\":\"Feature\",\"id\":%u,\"geometry\":{\"type\":\"Polygon\","
                      "\"coordinates\":",
                      i == 0 ? "" : ",", i + 1);
        write_outline(&result->cells, cell, &file.buffer);
        buffer_format(&file.buffer,
                      "},\"properties\":{\"objectType\":\"cell\",\"classification\":"
                      "{\"name\":\"%s\",\"color\":[%d,%d,%d]}}}",
                      class->name, class->color[0], class->color[1], class->color[2]);
        report_file_flush(&file);
    }
    buffer_string(&file.buffer, "\n]}\n");
    return report_file_finish(&file, error);
}

static void write_number(double value, Buffer *buffer)
{
    char number[REPORT_NUMBER_BYTES];
    buffer_byte(buffer, ',');
    buffer_string(buffer, report_number(value, number));
}

/* Whether the nucleus lies in a tissue; missing where that tissue is not told from others. */
static const char *lies_in(const Cell *cell, TissueClass tissue, const UntoldClasses *untold)
{
    if ((untold->tissue & class_bit(tissue)) != 0) {
        return ",N/A";
    }
    return (TissueClass)cell->tissue_class == tissue ? ",true" : ",false";
}

static void write_cell(const Cell *cell, uint32_t id, const UntoldClasses *untold, Buffer *buffer)
{
    double roundness = shape_roundness((double)cell->area_um2, (double)cell->perimeter_um);
    buffer_format(buffer, "%u,%s,", id, CELL_CLASSES[cell->cell_class].name);
    report_tenths(buffer, (double)cell->centroid.x_px);
    buffer_byte(buffer, ',');
    report_tenths(buffer, (double)cell->centroid.y_px);
    write_number((double)cell->area_um2, buffer);
    write_number(roundness, buffer);
    write_number(1 - roundness, buffer);
    write_number((double)cell->major_axis_um, buffer);
    write_number((double)cell->minor_axis_um, buffer);
    write_number((double)cell->perimeter_um, buffer);
    write_number((double)cell->solidity, buffer);
    write_number((double)cell->hematoxylin, buffer);
    for (int i = 0; i < NUCLEATED_TISSUE_COUNT; i++) {
        buffer_string(buffer, lies_in(cell, NUCLEATED_TISSUES[i], untold));
    }
    buffer_byte(buffer, '\n');
}

bool report_cell_readouts(const AnalysisResult *result,
                          const char *folder,
                          const char *name,
                          Error *error)
{
    AUTO_REPORT_FILE file = {.path = NULL};
    if (!report_file_create(&file, folder, name, error)) {
        return false;
    }
    buffer_string(&file.buffer,
                  REPORT_COMMENT "CELL_ID,CELL_CLASS,CENTROID_X,CENTROID_Y,NUCLEUS_AREA,"
                                 "NUCLEUS_ROUNDNESS,NUCLEUS_ECCENTRICITY,NUCLEUS_MAJ_AXIS,"
                                 "NUCLEUS_MNR_AXIS,NUCLEUS_PERIMETER,NUCLEUS_SOLIDITY,"
                                 "NUCLEUS_HEMATOXYLIN");
    for (int i = 0; i < NUCLEATED_TISSUE_COUNT; i++) {
        buffer_format(&file.buffer, ",IN_%s", TISSUE_CLASSES[NUCLEATED_TISSUES[i]].column);
    }
    buffer_byte(&file.buffer, '\n');
    for (uint32_t i = 0; i < result->cells.count; i++) {
        cell_list_rest(&result->cells, i);
        write_cell(&result->cells.cells[i], i + 1, &result->untold, &file.buffer);
        report_file_flush(&file);
    }
    return report_file_finish(&file, error);
}
