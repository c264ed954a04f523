/* SPDX-License-Identifier: Apache-2.0 */
/* See neighborhoods.h. */
#include "analysis/neighborhoods.h"

#include <math.h>

#include "analysis/disc_cover.h"
#include "analysis/packed_cells.h"
#include "analysis/parallel.h"
#include "base/alloc.h"

const TissueClass NUCLEATED_TISSUES[NUCLEATED_TISSUE_COUNT] = {
    TISSUE_CARCINOMA, TISSUE_EPITHELIAL, TISSUE_STROMA, TISSUE_OTHER, TISSUE_VESSEL};

/* Growing. */
const int NEIGHBORHOOD_RADII_UM[NEIGHBORHOOD_RADIUS_COUNT] = {20, 40};

typedef struct Search {
    const PackedCells *packed;
    double mpp;
    double radii_px[NEIGHBORHOOD_RADIUS_COUNT];
    Neighborhood *found; /* NEIGHBORHOOD_RADIUS_COUNT a thread */
} Search;

/* What is around one cell. Distances are squared, in level 0 pixels. */
typedef struct Surroundings {
    double nearest[CELL_CLASS_COUNT];           /* of each class, infinite without one */
    uint64_t groups[NEIGHBORHOOD_RADIUS_COUNT]; /* a bit for each group within each radius */
} Surroundings;

static double square(double value)
{
    return value * value;
}

static void
look_along(const Search *search, uint32_t index, PackedSpan span, Surroundings *surroundings)
{
    const PackedCell *cells = search->packed->cells;
    double x = (double)cells[index].x_px;
    double y = (double)cells[index].y_px;
    double reach = square(search->radii_px[NEIGHBORHOOD_RADIUS_COUNT - 1]);
    for (uint32_t i = span.first; i < span.end; i++) {
        const PackedCell *cell = &cells[i];
        double distance = square((double)cell->x_px - x) + square((double)cell->y_px - y);
        if (distance > reach || i == index) {
            continue;
        }
        double *nearest = &surroundings->nearest[cell->cell_class];
        *nearest = distance < *nearest ? distance : *nearest;
        for (int radius = 0; radius < NEIGHBORHOOD_RADIUS_COUNT; radius++) {
            if (cell->group != CELL_GROUP_NONE && distance <= square(search->radii_px[radius])) {
                surroundings->groups[radius] |= UINT64_C(1) << cell->group;
            }
        }
    }
}

static Surroundings look_around(const Search *search, uint32_t index)
{
    const PackedCell *cell = &search->packed->cells[index];
    double reach = search->radii_px[NEIGHBORHOOD_RADIUS_COUNT - 1];
    double x = (double)cell->x_px;
    double y = (double)cell->y_px;
    Surroundings surroundings = {.groups = {0}};
    for (int class = 0; class < CELL_CLASS_COUNT; class ++) {
        surroundings.nearest[class] = (double)INFINITY;
    }
    int32_t last_row = packed_row(search->packed, y + reach);
    for (int32_t row = packed_row(search->packed, y - reach); row <= last_row; row++) {
        look_along(search, index, packed_span(search->packed, row, x - reach, x + reach),
                   &surroundings);
    }
    return surroundings;
}

/* As a centre, for which the nearest of each class counts. */
static void count_center(const Search *search,
                         int radius,
                         int group,
                         const Surroundings *surroundings,
                         Neighborhood *found)
{
    int center_class = cell_group_class(group);
    int tissue = cell_group_tissue(group);
    for (int class = 1; class < CELL_CLASS_COUNT; class ++) {
        double nearest = surroundings->nearest[class];
        if (nearest <= square(search->radii_px[radius])) {
            double distance_um = sqrt(nearest) * search->mpp;
            NeighborCounts *counts = &found->counts[class][center_class][tissue];
            counts->centers++;
            counts->distance += (uint64_t)llround(ldexp(distance_um, NEIGHBORHOOD_DISTANCE_BITS));
        }
    }
}

/* As a neighbour, once for each group that has a centre near it. */
static void count_neighbor(uint8_t cell_class, uint64_t groups, Neighborhood *found)
{
    for (; groups != 0; groups &= groups - 1) {
        int group = __builtin_ctzll(groups);
        found->counts[cell_class][cell_group_class(group)][cell_group_tissue(group)].neighbors++;
    }
}

/* All cells of one row of squares. */
static bool search_row(void *context, unsigned thread, uint32_t job, Error *error)
{
    (void)error;
    const Search *search = context;
    PackedSpan span = packed_span(search->packed, (int32_t)job, 0, (double)INFINITY);
    for (uint32_t i = span.first; i < span.end; i++) {
        const PackedCell *cell = &search->packed->cells[i];
        Surroundings surroundings = look_around(search, i);
        for (int radius = 0; radius < NEIGHBORHOOD_RADIUS_COUNT; radius++) {
            Neighborhood *found =
                &search->found[thread * NEIGHBORHOOD_RADIUS_COUNT + (unsigned)radius];
            if (cell->group != CELL_GROUP_NONE) {
                count_center(search, radius, cell->group, &surroundings, found);
            }
            count_neighbor(cell->cell_class, surroundings.groups[radius], found);
        }
    }
    return true;
}

static void add_counts(const Neighborhood *from, Neighborhood *to)
{
    const NeighborCounts *added = &from->counts[0][0][0];
    NeighborCounts *sums = &to->counts[0][0][0];
    size_t count = sizeof from->counts / sizeof *added;
    for (size_t i = 0; i < count; i++) {
        sums[i].centers += added[i].centers;
        sums[i].neighbors += added[i].neighbors;
        sums[i].distance += added[i].distance;
    }
}

bool neighborhoods_count(const AnalysisResult *result,
                         unsigned thread_count,
                         Neighborhood neighborhoods_out[NEIGHBORHOOD_RADIUS_COUNT],
                         Error *error)
{
    size_t found_count = (size_t)thread_count * NEIGHBORHOOD_RADIUS_COUNT;
    AUTO_FREE Neighborhood *found = alloc_zeroed(found_count, sizeof *found);
    Search search = {.mpp = result->mpp, .found = found};
    for (int radius = 0; radius < NEIGHBORHOOD_RADIUS_COUNT; radius++) {
        search.radii_px[radius] = NEIGHBORHOOD_RADII_UM[radius] / result->mpp;
        neighborhoods_out[radius] = (Neighborhood){.areas_um2 = {{0}}};
    }
    AUTO_PACKED_CELLS packed = {.cells = NULL};
    packed_cells_init(&packed, &result->cells, search.radii_px[NEIGHBORHOOD_RADIUS_COUNT - 1]);
    search.packed = &packed;
    ParallelJobs jobs = {.job_count = (uint32_t)packed.grid.rows,
                         .thread_count = thread_count,
                         .context = &search,
                         .run = search_row};
    if (!parallel_run(&jobs, error)) {
        return false;
    }
    for (size_t i = 0; i < found_count; i++) {
        add_counts(&found[i], &neighborhoods_out[i % NEIGHBORHOOD_RADIUS_COUNT]);
    }
    return disc_cover_count(result, &packed, thread_count, neighborhoods_out, error);
}

double neighbor_distance_mean(const NeighborCounts *counts)
{
    return counts->centers == 0 ? (double)NAN
                                : ldexp((double)counts->distance, -NEIGHBORHOOD_DISTANCE_BITS) /
                                      (double)counts->centers;
}

uint64_t neighborhood_total(const Neighborhood *neighborhood, int center_class, int tissue)
{
    uint64_t total = 0;
    for (int class = 1; class < CELL_CLASS_COUNT; class ++) {
        total += neighborhood->counts[class][center_class][tissue].neighbors;
    }
    return total;
}
