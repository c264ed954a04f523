/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the readouts of maps and cells that a test has made up. INPUT is a file of doubles: width,
 * height and resolution of the slide; columns, rows and scale of its maps; bits of the classes of
 * quality, tissue and cells that are not told apart; the number of cells; the classes of the
 * quality map and of the tissue map, row by row; and for each cell x, y, class, tissue, area,
 * perimeter, major and minor axis, solidity and haematoxylin.
 *
 * usage: write_readouts INPUT FOLDER THREADS    writes FOLDER/slide.csv and FOLDER/cells.csv
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analysis/report_parts.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/parse.h"

enum { EXIT_USAGE = 2, HEAD_COUNT = 10, CELL_VALUES = 10 };

/* A file of doubles; `complete` is false once it has ended too early. */
typedef struct Input {
    FILE *file;
    bool complete;
} Input;

static double next(Input *input)
{
    double value = 0;
    if (fread(&value, sizeof value, 1, input->file) != 1) {
        input->complete = false;
    }
    return value;
}

static ClassMap read_map(Input *input, const double head[HEAD_COUNT])
{
    ClassMap map = {(int32_t)head[3], (int32_t)head[4], head[5], head[5] * head[2], NULL};
    size_t count = (size_t)map.width_px * (size_t)map.height_px;
    map.classes = alloc_array(count, 1);
    for (size_t i = 0; i < count; i++) {
        map.classes[i] = (uint8_t)next(input);
    }
    return map;
}

static Cell read_cell(Input *input)
{
    double values[CELL_VALUES];
    for (int i = 0; i < CELL_VALUES; i++) {
        values[i] = next(input);
    }
    return (Cell){.centroid = {(float)values[0], (float)values[1]},
                  .cell_class = (uint8_t)values[2],
                  .tissue_class = (uint8_t)values[3],
                  .area_um2 = (float)values[4],
                  .perimeter_um = (float)values[5],
                  .major_axis_um = (float)values[6],
                  .minor_axis_um = (float)values[7],
                  .solidity = (float)values[8],
                  .hematoxylin = (float)values[9]};
}

static bool read_result(const char *path, AnalysisResult *result_out, Error *error)
{
    Input input = {fopen(path, "rbe"), true};
    if (input.file == NULL) {
        return error_set(error, ERROR_NOT_FOUND, "cannot open '%s': %m", path);
    }
    double head[HEAD_COUNT];
    for (int i = 0; i < HEAD_COUNT; i++) {
        head[i] = next(&input);
    }
    bool fits = head[3] * head[4] <= CLASS_MAP_PX_MAX && head[9] <= CELLS_MAX;
    if (input.complete && fits) {
        uint32_t count = (uint32_t)head[9];
        *result_out =
            (AnalysisResult){.width_px = (int64_t)head[0],
                             .height_px = (int64_t)head[1],
                             .mpp = head[2],
                             .untold = {(uint16_t)head[6], (uint16_t)head[7], (uint16_t)head[8]}};
        result_out->quality = read_map(&input, head);
        result_out->tissue = read_map(&input, head);
        result_out->cells = (CellList){.cells = alloc_array(count, sizeof(Cell)), .count = count};
        for (uint32_t i = 0; i < count; i++) {
            result_out->cells.cells[i] = read_cell(&input);
        }
    }
    fclose(input.file);
    return (input.complete && fits) ||
           error_set(error, ERROR_INVALID, "'%s' has too few numbers, or too large ones", path);
}

static void take_sums(const AnalysisResult *result,
                      const ClassMap *map,
                      const ClassInfo *classes,
                      int class_count,
                      RegionList *regions_out,
                      ClassSums *sums_out)
{
    ReportMap report = {map, classes, class_count, result};
    regions_find(map, regions_out);
    class_sums_take(&report, regions_out, sums_out);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Tells on the standard output how many seconds the slide's readouts took. */
static bool write_readouts(const AnalysisResult *result, const ReportOptions *options, Error *error)
{
    double began = seconds_now();
    ClassSums quality;
    ClassSums tissue;
    AUTO_REGIONS quality_regions = {.map = NULL};
    AUTO_REGIONS tissue_regions = {.map = NULL};
    take_sums(result, &result->quality, QUALITY_CLASSES, QUALITY_CLASS_COUNT, &quality_regions,
              &quality);
    take_sums(result, &result->tissue, TISSUE_CLASSES, TISSUE_CLASS_COUNT, &tissue_regions,
              &tissue);
    AUTO_FREE Neighborhood *neighborhoods =
        alloc_array(NEIGHBORHOOD_RADIUS_COUNT, sizeof *neighborhoods);
    SlideSums sums = {&quality, &tissue, &tissue_regions, neighborhoods};
    if (!neighborhoods_count(result, options->thread_count, neighborhoods, error) ||
        !report_slide_readouts(result, &sums, options, "slide.csv", error)) {
        return false;
    }
    printf("%.3f\n", seconds_now() - began);
    return report_cell_readouts(result, options->folder, "cells.csv", error);
}

int main(int argument_count, char **arguments)
{
    int64_t threads = 0;
    if (argument_count != 4 ||
        !parse_int64(text_of(arguments[3]), 1, ANALYSIS_THREADS_MAX, &threads)) {
        fputs("usage: write_readouts INPUT FOLDER THREADS\n", stderr);
        return EXIT_USAGE;
    }
    ReportOptions options = {
        .folder = arguments[2], .slide_name = "random cells", .thread_count = (unsigned)threads};
    Error error = {.code = ERROR_NONE};
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    if (!read_result(arguments[1], &result, &error) || !write_readouts(&result, &options, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    return 0;
}
