/* SPDX-License-Identifier: Apache-2.0 */
/* Measures the mean colour of each cell; see grid.h. */
#include "grid.h"

#include <math.h>

#include "base/alloc.h"
#include "exchange/application.h"

/* Of a cell that is larger, only so many pixels around its centre are looked at. */
enum { SAMPLE_SIDE_PX = 32 };

enum { QC_NO_TISSUE = 2, QC_VALID_TISSUE = 5 };
static const GridClass QC_CLASSES[] = {
    {"Tissue Artifact", {230, 140, 60}}, {"No Tissue", {210, 210, 210}},
    {"Marker", {40, 120, 200}},          {"Out Of Focus", {160, 90, 180}},
    {"Valid Tissue", {90, 180, 100}},
};

enum { TISSUE_EPITHELIAL = 2, TISSUE_STROMA = 4, TISSUE_BLOOD = 6 };
static const GridClass TISSUE_CLASSES[] = {
    {"Carcinoma", {200, 60, 60}}, {"Epithelial Tissue", {120, 90, 190}},
    {"Necrosis", {80, 80, 80}},   {"Stroma", {240, 170, 200}},
    {"Other", {150, 150, 110}},   {"Blood", {180, 20, 40}},
    {"Vessel", {250, 120, 110}},
};

typedef struct Color {
    double red, green, blue;
} Color;

void grid_clear(Grid *grid)
{
    for (int i = 0; i < GRID_MAP_COUNT; i++) {
        alloc_free(grid->maps[i].cells);
        grid->maps[i].cells = NULL;
    }
}

double grid_cell_area_px(const Grid *grid, int column, int row)
{
    double width = fmin(grid->cell_px, (double)grid->width_px - column * grid->cell_px);
    double height = fmin(grid->cell_px, (double)grid->height_px - row * grid->cell_px);
    return width * height;
}

/* The coarsest level that still has a pixel for each cell. */
static int choose_level(const SlideInfo *info)
{
    int chosen = 0;
    for (int i = 1; i < info->level_count; i++) {
        const SlideLevel *level = &info->levels[i];
        if (level->width_px >= GRID_SIDE_MAX && level->height_px >= GRID_SIDE_MAX &&
            level->downsample > info->levels[chosen].downsample) {
            chosen = i;
        }
    }
    return chosen;
}

static bool
read_cell(Slide *slide, const SlideRegion *region, uint8_t *rgb, Color *mean_out, Error *error)
{
    if (!slide_read_region(slide, region, rgb, error)) {
        return false;
    }
    uint64_t sums[3] = {0, 0, 0};
    size_t count = (size_t)region->width_px * (size_t)region->height_px;
    for (size_t i = 0; i < 3 * count; i++) {
        sums[i % 3] += rgb[i];
    }
    double pixels = (double)count;
    *mean_out =
        (Color){(double)sums[0] / pixels, (double)sums[1] / pixels, (double)sums[2] / pixels};
    return true;
}

static bool is_tissue(Color color)
{
    double most = fmax(color.red, fmax(color.green, color.blue));
    double least = fmin(color.red, fmin(color.green, color.blue));
    return least < 220 && most - least > 12;
}

/* Bluer than red: nuclei prevail. Far more red than blue: blood. */
static uint8_t tissue_class(Color color)
{
    if (color.red > color.blue + 70) {
        return TISSUE_BLOOD;
    }
    return color.blue > color.red ? TISSUE_EPITHELIAL : TISSUE_STROMA;
}

static SlideRegion
cell_region(const Grid *grid, const SlideLevel *level, int level_index, int column, int row)
{
    double side = grid->cell_px / level->downsample;
    int32_t sample = (int32_t)fmin(ceil(side), SAMPLE_SIDE_PX);
    double x = ((column + 0.5) * side) - (sample / 2.0);
    double y = ((row + 0.5) * side) - (sample / 2.0);
    /* At the edges the centre may lie outside: stay inside the image. */
    x = fmax(0, fmin(x, (double)(level->width_px - sample)));
    y = fmax(0, fmin(y, (double)(level->height_px - sample)));
    return (SlideRegion){level_index, (int64_t)x, (int64_t)y, sample, sample};
}

static bool measure_cells(Slide *slide, Grid *grid, Error *error)
{
    int level_index = choose_level(slide_info(slide));
    const SlideLevel *level = &slide_info(slide)->levels[level_index];
    uint8_t rgb[3 * SAMPLE_SIDE_PX * SAMPLE_SIDE_PX];
    for (int row = 0; row < grid->rows; row++) {
        for (int column = 0; column < grid->columns; column++) {
            SlideRegion region = cell_region(grid, level, level_index, column, row);
            Color mean;
            if (!read_cell(slide, &region, rgb, &mean, error)) {
                return false;
            }
            size_t index = (size_t)row * (size_t)grid->columns + (size_t)column;
            bool tissue = is_tissue(mean);
            grid->maps[0].cells[index] = tissue ? QC_VALID_TISSUE : QC_NO_TISSUE;
            grid->maps[1].cells[index] = tissue ? tissue_class(mean) : 0;
        }
        application_progress(0.9 * (row + 1) / grid->rows, "measuring");
    }
    return true;
}

bool grid_measure(Slide *slide, Grid *grid_out, Error *error)
{
    const SlideLevel *full = &slide_info(slide)->levels[0];
    double longest = fmax((double)full->width_px, (double)full->height_px);
    double cell_px = fmax(1, ceil(longest / GRID_SIDE_MAX));
    AUTO_GRID grid = {
        .columns = (int)ceil((double)full->width_px / cell_px),
        .rows = (int)ceil((double)full->height_px / cell_px),
        .cell_px = cell_px,
        .width_px = full->width_px,
        .height_px = full->height_px,
        .maps = {{"tissue_qc", QC_CLASSES, ARRAY_COUNT(QC_CLASSES), NULL},
                 {"tissue_segmentation", TISSUE_CLASSES, ARRAY_COUNT(TISSUE_CLASSES), NULL}},
    };
    for (int i = 0; i < GRID_MAP_COUNT; i++) {
        grid.maps[i].cells = alloc_zeroed((size_t)grid.columns, (size_t)grid.rows);
    }
    if (!measure_cells(slide, &grid, error)) {
        return false;
    }
    *grid_out = grid;
    grid = (Grid){.columns = 0};
    return true;
}
