/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the report of a made-up slide with so many cells, and prints what the writers took beside
 * the lists that they were given: MiB of memory at the peak, and seconds.
 *
 * usage: write_report CELLS FOLDER
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analysis/report.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/parse.h"

enum { MAP_SIDE_PX = 2048, OUTLINE_POINTS = 20, SCALE = 16, STATUS_BYTES_MAX = 64 * 1024 };

static const double FULL_TURN = 6.283185307179586;
static const double KIB_PER_MIB = 1024;

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* Blocks of tissue with a ragged border. */
static uint8_t *make_classes(int class_count, uint32_t *state)
{
    uint8_t *classes = alloc_array((size_t)MAP_SIDE_PX * MAP_SIDE_PX, 1);
    for (int y = 0; y < MAP_SIDE_PX; y++) {
        for (int x = 0; x < MAP_SIDE_PX; x++) {
            int block = (x + (int)(next_random(state) % 3)) / 64 + y / 64;
            classes[(size_t)y * MAP_SIDE_PX + (size_t)x] = (uint8_t)(1 + block % (class_count - 1));
        }
    }
    return classes;
}

/* Somewhere in its row; the rows of all cells lie so far apart. */
static void make_cell(CellList *list, float row_px, uint32_t *state)
{
    float span = (float)(MAP_SIDE_PX * SCALE - 100);
    Cell *cell = &list->cells[list->count];
    *cell = (Cell){
        .centroid = {50 + span * (float)(next_random(state) % 10000) / 10000,
                     50 + row_px * (float)list->count},
        .first_point = list->point_count,
        .point_count = OUTLINE_POINTS,
        .cell_class = (uint8_t)(1 + next_random(state) % (CELL_CLASS_COUNT - 1)),
        .tissue_class = TISSUE_STROMA,
        .area_um2 = 30 + (float)(next_random(state) % 1000) / 50,
        .perimeter_um = 20,
        .major_axis_um = 8,
        .minor_axis_um = 6,
        .roundness = 0.75F,
        .solidity = 0.95F,
        .hematoxylin = 0.5F,
    };
    for (int i = 0; i < OUTLINE_POINTS; i++) {
        double angle = FULL_TURN * i / OUTLINE_POINTS;
        double radius = 8 + (double)(next_random(state) % 5);
        list->points[list->point_count++] =
            (CellPoint){cell->centroid.x_px + (float)floor(radius * cos(angle)),
                        cell->centroid.y_px + (float)floor(radius * sin(angle))};
    }
    list->count++;
}

static void make_result(uint32_t cell_count, AnalysisResult *result_out)
{
    uint32_t state = 1;
    int32_t side = MAP_SIDE_PX;
    AnalysisResult result = {
        .width_px = (int64_t)side * SCALE,
        .height_px = (int64_t)side * SCALE,
        .mpp = 0.25,
        .quality = {side, side, SCALE, 0.25 * SCALE, make_classes(QUALITY_CLASS_COUNT, &state)},
        .tissue = {side, side, SCALE, 0.25 * SCALE, make_classes(TISSUE_CLASS_COUNT, &state)},
    };
    result.cells.cells = alloc_array(cell_count, sizeof(Cell));
    result.cells.points = alloc_array((size_t)cell_count * OUTLINE_POINTS, sizeof(CellPoint));
    float row_px = (float)(side * SCALE - 100) / (float)cell_count;
    for (uint32_t i = 0; i < cell_count; i++) {
        make_cell(&result.cells, row_px, &state);
    }
    *result_out = result;
}

/* Of this program alone: what getrusage tells begins with the peak of the one that started it. */
static double peak_mib(void)
{
    static const char NAME[] = "VmHWM:";
    AUTO_FREE char *status = NULL;
    Error error = {.code = ERROR_NONE};
    if (!file_read("/proc/self/status", STATUS_BYTES_MAX, &status, NULL, &error)) {
        return 0;
    }
    const char *line = strstr(status, NAME);
    return line == NULL ? 0 : strtod(line + sizeof NAME - 1, NULL) / KIB_PER_MIB;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argument_count, char **arguments)
{
    int64_t cell_count = 0;
    if (argument_count != 3 || !parse_int64(text_of(arguments[1]), 1, CELLS_MAX, &cell_count)) {
        fprintf(stderr, "usage: write_report CELLS FOLDER\n");
        return 2;
    }
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    make_result((uint32_t)cell_count, &result);
    ReportOptions options = {.folder = arguments[2],
                             .slide_name = "slide",
                             .version = REPORT_VERSION_LATEST,
                             .thread_count = 1};
    Error error = {.code = ERROR_NONE};
    double before_mib = peak_mib();
    double began = now_seconds();
    if (!report_write(&result, &options, &error)) {
        fprintf(stderr, "write_report: %s\n", error.message);
        return 1;
    }
    printf("%.1f %.2f\n", peak_mib() - before_mib, now_seconds() - began);
    return 0;
}
