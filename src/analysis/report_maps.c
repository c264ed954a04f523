/* SPDX-License-Identifier: Apache-2.0 */
/* Areas, GeoJSON and class table of a class map; see report_parts.h. */
#include <math.h>

#include "analysis/report_file.h"
#include "analysis/report_parts.h"

double report_map_x(const ReportMap *map, int32_t x)
{
    return fmin(x * map->map->scale, (double)map->result->width_px);
}

double report_map_y(const ReportMap *map, int32_t y)
{
    return fmin(y * map->map->scale, (double)map->result->height_px);
}

double report_region_um2(const ReportMap *map, const RegionList *regions, uint32_t region)
{
    double area_px = 0;
    uint32_t end = regions->run_offsets[region + 1];
    for (uint32_t i = regions->run_offsets[region]; i < end; i++) {
        const RegionRun *run = &regions->runs[regions->run_order[i]];
        double width = report_map_x(map, run->end) - report_map_x(map, run->first);
        double height = report_map_y(map, run->row + 1) - report_map_y(map, run->row);
        area_px += width * height;
    }
    return area_px * map->result->mpp * map->result->mpp;
}

void class_sums_take(const ReportMap *map, const RegionList *regions, ClassSums *sums_out)
{
    ClassSums sums = {.areas_um2 = {0}};
    for (uint32_t region = 0; region < regions->count; region++) {
        uint8_t class = region_class(regions, region);
        sums.region_counts[class]++;
        sums.areas_um2[class] += report_region_um2(map, regions, region);
    }
    *sums_out = sums;
}

static void write_point(const ReportMap *map, RingPoint point, Buffer *buffer)
{
    buffer_byte(buffer, '[');
    report_tenths(buffer, report_map_x(map, point.x));
    buffer_byte(buffer, ',');
    report_tenths(buffer, report_map_y(map, point.y));
    buffer_byte(buffer, ']');
}

/* "The first and last positions are equivalent, and they MUST contain identical values"
 * (RFC 7946, 3.1.6). */
static void write_ring(const ReportMap *map, const Ring *ring, ReportFile *file)
{
    buffer_byte(&file->buffer, '[');
    for (uint32_t i = 0; i < ring->count; i++) {
        write_point(map, ring->points[i], &file->buffer);
        buffer_byte(&file->buffer, ',');
        report_file_flush(file);
    }
    write_point(map, ring->points[0], &file->buffer);
    buffer_byte(&file->buffer, ']');
}

static void write_region(const ReportMap *map, RingWalk *walk, ReportFile *file)
{
    const ClassInfo *class = &map->classes[region_class(walk->regions, walk->region)];
    buffer_format(&file->buffer,
                  "{\"type\":\"Feature\",\"id\":%u,\"geometry\":{\"type\":\"Polygon\","
                  "\"coordinates\":[",
                  walk->region + 1);
    const Ring *ring = ring_walk_next(walk);
    while (ring != NULL) {
        write_ring(map, ring, file);
        ring = ring_walk_next(walk);
        if (ring != NULL) {
            buffer_byte(&file->buffer, ',');
        }
    }
    buffer_format(&file->buffer,
                  "]},\"properties\":{\"objectType\":\"annotation\",\"classification\":"
                  "{\"name\":\"%s\",\"color\":[%d,%d,%d]}}}",
                  class->name, class->color[0], class->color[1], class->color[2]);
}

bool report_map_polygons(const ReportMap *map,
                         const RegionList *regions,
                         const char *folder,
                         const char *name,
                         Error *error)
{
    AUTO_REPORT_FILE file = {.path = NULL};
    if (!report_file_create(&file, folder, name, error)) {
        return false;
    }
    AUTO_RING_WALK walk;
    ring_walk_init(&walk, regions);
    buffer_string(&file.buffer, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (uint32_t region = 0; region < regions->count; region++) {
        buffer_string(&file.buffer, region == 0 ? "\n" : ",\n");
        ring_walk_region(&walk, region);
        write_region(map, &walk, &file);
        report_file_flush(&file);
    }
    buffer_string(&file.buffer, "\n]}\n");
    return report_file_finish(&file, error);
}

bool report_map_classes(
    const ReportMap *map, const ClassSums *sums, const char *folder, const char *name, Error *error)
{
    AUTO_REPORT_FILE file = {.path = NULL};
    if (!report_file_create(&file, folder, name, error)) {
        return false;
    }
    double total_um2 = 0;
    for (int class = 1; class < map->class_count; class ++) {
        total_um2 += sums->areas_um2[class];
    }
    buffer_string(&file.buffer, "CLASS,AREA_UM2,PERCENTAGE\n");
    for (int class = 1; class < map->class_count; class ++) {
        double area_um2 = sums->areas_um2[class];
        double percentage = total_um2 > 0 ? 100 * area_um2 / total_um2 : 0;
        buffer_format(&file.buffer, "%s,%.2f,%.3f\n", map->classes[class].name, area_um2,
                      percentage);
    }
    return report_file_finish(&file, error);
}
