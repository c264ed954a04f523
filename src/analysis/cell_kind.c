/* SPDX-License-Identifier: Apache-2.0 */
/* See cell_kind.h. */
#include "analysis/cell_kind.h"

#include <math.h>

#include "analysis/cell_grid.h"
#include "analysis/cell_kind_table.h"

/* Map pixels around a cell's own whose eosin is averaged. */
#define AROUND_MAP_PX 3
/* Standardised features are kept within what the fit has seen. */
#define STANDARD_MAX 5.0F

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

/* The mean of a map around a place, as optical density. */
static float mean_around(const CellScene *scene, const uint8_t *map, CellPoint place)
{
    RasterSize size = scene->maps->size;
    int32_t x = (int32_t)(place.x_px / scene->map_scale);
    int32_t y = (int32_t)(place.y_px / scene->map_scale);
    uint32_t sum = 0;
    uint32_t count = 0;
    for (int32_t r = y - AROUND_MAP_PX; r <= y + AROUND_MAP_PX; r++) {
        for (int32_t c = x - AROUND_MAP_PX; c <= x + AROUND_MAP_PX; c++) {
            if (r >= 0 && c >= 0 && r < size.height && c < size.width) {
                size_t at = (size_t)r * (size_t)size.width + (size_t)c;
                sum += map[at];
                count += scene->maps->plain[at];
            }
        }
    }
    return count == 0 ? 0 : (float)sum / (float)(count * MAP_DENSITY_UNIT);
}

static void fill_near(const CellGrid *grid, const CellScene *scene, uint32_t index, float *features)
{
    NearSums sums = {.list = grid->list};
    cell_grid_visit(grid, index, add_near, &sums);
    features[FEATURE_NEIGHBORS] = logf(1.0F + (float)sums.count);
    add_near(&sums, index, 0);
    features[FEATURE_NEAR_LOG_AREA] = (float)(sums.log_area / sums.count);
    features[FEATURE_NEAR_ROUNDNESS] = (float)(sums.roundness / sums.count);
    features[FEATURE_NEAR_HAEMATOXYLIN] =
        (float)(sums.haematoxylin / sums.count) / scene->haematoxylin;
}

static void
fill_own(const Cell *cell, const NucleusLook *look, const CellScene *scene, float *features)
{
    features[FEATURE_LOG_AREA] = logf(cell->area_um2);
    features[FEATURE_ROUNDNESS] = cell->roundness;
    features[FEATURE_SOLIDITY] = cell->solidity;
    features[FEATURE_HAEMATOXYLIN] = cell->hematoxylin / scene->haematoxylin;
    features[FEATURE_SPREAD] = look->haematoxylin_spread / scene->haematoxylin;
    features[FEATURE_CONTRAST] =
        (cell->hematoxylin - look->haematoxylin_around) / scene->haematoxylin;
    features[FEATURE_EDGE] = look->edge / scene->haematoxylin;
    features[FEATURE_EOSIN] = look->eosin / scene->eosin;
    features[FEATURE_HAEMATOXYLIN_AROUND] =
        mean_around(scene, scene->maps->haematoxylin, cell->centroid) / scene->haematoxylin;
    features[FEATURE_EOSIN_AROUND] =
        mean_around(scene, scene->maps->eosin, cell->centroid) / scene->eosin;
}

void cell_features(const TileCells *cells, const CellScene *scene, float *features_out)
{
    AUTO_CELL_GRID grid;
    cell_grid_init(&grid, &cells->list, KIND_RADIUS_UM / scene->mpp);
    for (uint32_t i = 0; i < cells->list.count; i++) {
        float *features = features_out + (size_t)i * FEATURE_COUNT;
        fill_own(&cells->list.cells[i], &cells->looks[i], scene, features);
        fill_near(&grid, scene, i, features);
    }
}

/* One hidden layer with tanh between the standardised features and a softmax. */
void cell_kind(const float features[FEATURE_COUNT], float probabilities_out[KIND_COUNT])
{
    float standard[FEATURE_COUNT];
    for (int f = 0; f < FEATURE_COUNT; f++) {
        float value = (features[f] - FEATURE_MEANS[f]) * FEATURE_SCALES[f];
        standard[f] = fminf(STANDARD_MAX, fmaxf(-STANDARD_MAX, value));
    }
    float hidden[KIND_HIDDEN];
    for (int h = 0; h < KIND_HIDDEN; h++) {
        float sum = HIDDEN_OFFSETS[h];
        for (int f = 0; f < FEATURE_COUNT; f++) {
            sum += HIDDEN_WEIGHTS[h][f] * standard[f];
        }
        hidden[h] = tanhf(sum);
    }
    float best = -INFINITY;
    for (int k = 0; k < KIND_COUNT; k++) {
        probabilities_out[k] = KIND_OFFSETS[k];
        for (int h = 0; h < KIND_HIDDEN; h++) {
            probabilities_out[k] += KIND_WEIGHTS[k][h] * hidden[h];
        }
        best = fmaxf(best, probabilities_out[k]);
    }
    float sum = 0;
    for (int k = 0; k < KIND_COUNT; k++) {
        probabilities_out[k] = expf(probabilities_out[k] - best);
        sum += probabilities_out[k];
    }
    for (int k = 0; k < KIND_COUNT; k++) {
        probabilities_out[k] /= sum;
    }
}
