/* SPDX-License-Identifier: Apache-2.0 */
/* See cell_kind.h. */
#include "analysis/cell_kind.h"

#include <math.h>

#include "analysis/cell_grid.h"

/* Map pixels around a cell's own whose eosin is averaged. */
#define AROUND_MAP_PX 2

static const float COEFFICIENTS[KIND_COUNT][FEATURE_COUNT] = {
    [KIND_INFLAMMATORY] = {[FEATURE_ONE] = 4.0F,
                           [FEATURE_LOG_AREA] = -3.0F,
                           [FEATURE_ROUNDNESS] = 3.0F,
                           [FEATURE_HAEMATOXYLIN] = 5.0F},
    [KIND_EPITHELIAL] = {[FEATURE_ONE] = -9.0F,
                         [FEATURE_LOG_AREA] = 1.5F,
                         [FEATURE_ROUNDNESS] = 5.0F,
                         [FEATURE_NEIGHBORS] = 0.5F},
    [KIND_STROMAL] = {[FEATURE_ONE] = 2.0F, [FEATURE_ROUNDNESS] = -5.0F},
};

typedef struct NearSums {
    const CellList *list;
    uint32_t count;
    double log_area;
    double roundness;
    double haematoxylin;
} NearSums;

static void add_near(void *context, uint32_t neighbor, double distance_px)
{
    (void)distance_px;
    NearSums *sums = context;
    const Cell *cell = &sums->list->cells[neighbor];
    sums->count++;
    sums->log_area += log(cell->area_um2);
    sums->roundness += cell->roundness;
    sums->haematoxylin += cell->hematoxylin;
}

static float eosin_around(const SlideMaps *maps, double map_scale, CellPoint centroid)
{
    int32_t x = (int32_t)(centroid.x_px / map_scale);
    int32_t y = (int32_t)(centroid.y_px / map_scale);
    uint32_t sum = 0;
    uint32_t count = 0;
    for (int32_t r = y - AROUND_MAP_PX; r <= y + AROUND_MAP_PX; r++) {
        for (int32_t c = x - AROUND_MAP_PX; c <= x + AROUND_MAP_PX; c++) {
            if (r >= 0 && c >= 0 && r < maps->size.height && c < maps->size.width) {
                sum += maps->eosin[(size_t)r * (size_t)maps->size.width + (size_t)c];
                count++;
            }
        }
    }
    return count == 0 ? 0 : (float)sum / (float)(count * MAP_DENSITY_UNIT);
}

static void fill_near(const CellGrid *grid, uint32_t index, float *features)
{
    NearSums sums = {.list = grid->list};
    cell_grid_visit(grid, index, add_near, &sums);
    features[FEATURE_NEIGHBORS] = logf(1.0F + (float)sums.count);
    add_near(&sums, index, 0);
    features[FEATURE_NEAR_LOG_AREA] = (float)(sums.log_area / sums.count);
    features[FEATURE_NEAR_ROUNDNESS] = (float)(sums.roundness / sums.count);
    features[FEATURE_NEAR_HAEMATOXYLIN] = (float)(sums.haematoxylin / sums.count);
}

void cell_features(const TileCells *cells,
                   const SlideMaps *maps,
                   double map_scale,
                   double mpp,
                   float *features_out)
{
    AUTO_CELL_GRID grid;
    cell_grid_init(&grid, &cells->list, KIND_RADIUS_UM / mpp);
    for (uint32_t i = 0; i < cells->list.count; i++) {
        const Cell *cell = &cells->list.cells[i];
        const NucleusLook *look = &cells->looks[i];
        float *features = features_out + (size_t)i * FEATURE_COUNT;
        features[FEATURE_ONE] = 1;
        features[FEATURE_LOG_AREA] = logf(cell->area_um2);
        features[FEATURE_ROUNDNESS] = cell->roundness;
        features[FEATURE_SOLIDITY] = cell->solidity;
        features[FEATURE_HAEMATOXYLIN] = cell->hematoxylin;
        features[FEATURE_SPREAD] = look->haematoxylin_spread;
        features[FEATURE_EOSIN] = look->eosin;
        features[FEATURE_CONTRAST] = cell->hematoxylin - look->haematoxylin_around;
        features[FEATURE_EOSIN_AROUND] = eosin_around(maps, map_scale, cell->centroid);
        fill_near(&grid, i, features);
    }
}

void cell_kind(const float features[FEATURE_COUNT], float probabilities_out[KIND_COUNT])
{
    float scores[KIND_COUNT];
    float best = -INFINITY;
    for (int k = 0; k < KIND_COUNT; k++) {
        scores[k] = 0;
        for (int f = 0; f < FEATURE_COUNT; f++) {
            scores[k] += COEFFICIENTS[k][f] * features[f];
        }
        best = fmaxf(best, scores[k]);
    }
    float sum = 0;
    for (int k = 0; k < KIND_COUNT; k++) {
        probabilities_out[k] = expf(scores[k] - best);
        sum += probabilities_out[k];
    }
    for (int k = 0; k < KIND_COUNT; k++) {
        probabilities_out[k] /= sum;
    }
}
