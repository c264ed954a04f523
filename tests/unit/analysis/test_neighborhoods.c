/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbourhoods of a few cells on an image of 800 x 400 px of half a micron: 400 x 200 um. Discs
 * of whole microns hold 1257 (radius 20) and 5025 (radius 40) square microns: Gauss's circle
 * problem.
 */
#include "unit_test.h"

#include <math.h>

#include "analysis/neighborhoods.h"
#include "base/alloc.h"

enum { DISC_20 = 1257, DISC_40 = 5025, RADIUS_20 = 0, RADIUS_40 = 1 };
/* In the order of NUCLEATED_TISSUES. */
enum { IN_CARCINOMA = 0, IN_STROMA = 2 };

typedef struct Found {
    Neighborhood at[NEIGHBORHOOD_RADIUS_COUNT];
} Found;

static Cell cell(float x_um, float y_um, CellClass cell_class, TissueClass tissue)
{
    return (Cell){.centroid = {x_um * 2, y_um * 2},
                  .cell_class = (uint8_t)cell_class,
                  .tissue_class = (uint8_t)tissue};
}

static Found *count(Cell *cells, uint32_t cell_count, unsigned thread_count)
{
    AnalysisResult result = {
        .width_px = 800, .height_px = 400, .mpp = 0.5, .cells = {cells, cell_count, NULL, 0}};
    Found *found = ALLOC_NEW(Found);
    Error error = {0};
    assert_true(neighborhoods_count(&result, thread_count, found->at, &error));
    return found;
}

static void check(const NeighborCounts *counts, uint64_t centers, uint64_t neighbors, double mean)
{
    assert_int_equal(counts->centers, centers);
    assert_int_equal(counts->neighbors, neighbors);
    double found = neighbor_distance_mean(counts);
    assert_true(centers == 0 ? isnan(found) : fabs(found - mean) < 1e-5);
}

static void without_cells_nothing_is_near(void **state)
{
    (void)state;
    AUTO_FREE Found *found = count(NULL, 0, 2);
    assert_int_equal(found->at[RADIUS_20].areas_um2[CELL_LYMPHOCYTE][IN_STROMA], 0);
    assert_int_equal(neighborhood_total(&found->at[RADIUS_40], CELL_LYMPHOCYTE, IN_STROMA), 0);
    check(&found->at[RADIUS_40].counts[CELL_PLASMA][CELL_LYMPHOCYTE][IN_STROMA], 0, 0, 0);
}

/* A cell is no neighbour of itself, and its disc is whole where the image is. */
static void a_lonely_cell_has_a_disc_and_no_neighbors(void **state)
{
    (void)state;
    Cell cells[] = {cell(100, 100, CELL_LYMPHOCYTE, TISSUE_STROMA),
                    cell(0.25F, 0.25F, CELL_PLASMA, TISSUE_STROMA)};
    AUTO_FREE Found *found = count(cells, ARRAY_COUNT(cells), 1);
    assert_int_equal(found->at[RADIUS_20].areas_um2[CELL_LYMPHOCYTE][IN_STROMA], DISC_20);
    assert_int_equal(found->at[RADIUS_40].areas_um2[CELL_LYMPHOCYTE][IN_STROMA], DISC_40);
    assert_int_equal(found->at[RADIUS_40].areas_um2[CELL_LYMPHOCYTE][IN_CARCINOMA], 0);
    /* A quarter with its two sides of 21 square microns, one of which is in both. */
    assert_int_equal(found->at[RADIUS_20].areas_um2[CELL_PLASMA][IN_STROMA],
                     (DISC_20 - 1 - 4 * 20) / 4 + 2 * 20 + 1);
    assert_int_equal(neighborhood_total(&found->at[RADIUS_40], CELL_LYMPHOCYTE, IN_STROMA), 0);
}

/* The carcinoma cells of carcinoma are the centres, at 100 and 130 um along a line. Lymphocytes in
 * any tissue are near: at 110 (10 and 20 um away), 145 (45 and 15), 172 (72 and 42). The carcinoma
 * cell at 165 in stroma is a neighbour, not a centre. */
static void neighbors_count_once_in_any_tissue(void **state)
{
    (void)state;
    Cell cells[] = {cell(100, 50, CELL_CARCINOMA, TISSUE_CARCINOMA),
                    cell(130, 50, CELL_CARCINOMA, TISSUE_CARCINOMA),
                    cell(110, 50, CELL_LYMPHOCYTE, TISSUE_STROMA),
                    cell(145, 50, CELL_LYMPHOCYTE, TISSUE_NECROSIS),
                    cell(172, 50, CELL_LYMPHOCYTE, TISSUE_STROMA),
                    cell(165, 50, CELL_CARCINOMA, TISSUE_STROMA)};
    AUTO_FREE Found *found = count(cells, ARRAY_COUNT(cells), 3);
    const Neighborhood *near_by = &found->at[RADIUS_20];
    const Neighborhood *wide = &found->at[RADIUS_40];
    check(&near_by->counts[CELL_LYMPHOCYTE][CELL_CARCINOMA][IN_CARCINOMA], 2, 2, (10 + 15) / 2.0);
    check(&wide->counts[CELL_LYMPHOCYTE][CELL_CARCINOMA][IN_CARCINOMA], 2, 2, (10 + 15) / 2.0);
    check(&near_by->counts[CELL_CARCINOMA][CELL_CARCINOMA][IN_CARCINOMA], 0, 0, 0);
    check(&wide->counts[CELL_CARCINOMA][CELL_CARCINOMA][IN_CARCINOMA], 2, 3, 30);
    assert_int_equal(neighborhood_total(near_by, CELL_CARCINOMA, IN_CARCINOMA), 2);
    assert_int_equal(neighborhood_total(wide, CELL_CARCINOMA, IN_CARCINOMA), 5);
    /* The other way round: the centre of stroma has one lymphocyte near, two within 40 um. */
    check(&near_by->counts[CELL_LYMPHOCYTE][CELL_CARCINOMA][IN_STROMA], 1, 2, 7);
    /* What lies in necrosis is never a centre. */
    check(&wide->counts[CELL_CARCINOMA][CELL_LYMPHOCYTE][IN_STROMA], 2, 3, (10 + 7) / 2.0);
}

/* Discs of one group that overlap count once: the same place, and 10 um apart. Two discs of radius
 * 20 with middles 10 um apart have 858.9 square microns in common by the formula of a lens. */
static void overlapping_discs_are_one_area(void **state)
{
    (void)state;
    Cell cells[] = {cell(200, 100, CELL_OTHER, TISSUE_STROMA),
                    cell(200, 100, CELL_OTHER, TISSUE_STROMA),
                    cell(210, 100, CELL_OTHER, TISSUE_STROMA)};
    AUTO_FREE Found *found = count(cells, ARRAY_COUNT(cells), 2);
    uint64_t area = found->at[RADIUS_20].areas_um2[CELL_OTHER][IN_STROMA];
    double lens = 2 * 400 * acos(0.25) - 10.0 / 2 * sqrt(1600 - 100);
    assert_true(fabs((double)area - (2 * M_PI * 400 - lens)) < 10);
    check(&found->at[RADIUS_20].counts[CELL_OTHER][CELL_OTHER][IN_STROMA], 3, 3, 10 / 3.0);
}

static void a_neighbor_may_be_as_far_as_the_radius(void **state)
{
    (void)state;
    Cell cells[] = {cell(100, 100, CELL_FIBROBLAST, TISSUE_STROMA),
                    cell(116, 112, CELL_MACROPHAGE, TISSUE_STROMA),
                    cell(124, 132.5F, CELL_GRANULOCYTE, TISSUE_STROMA)};
    AUTO_FREE Found *found = count(cells, ARRAY_COUNT(cells), 1);
    check(&found->at[RADIUS_20].counts[CELL_MACROPHAGE][CELL_FIBROBLAST][IN_STROMA], 1, 1, 20);
    /* hypot(24, 32.5) is 40.4. */
    check(&found->at[RADIUS_40].counts[CELL_GRANULOCYTE][CELL_FIBROBLAST][IN_STROMA], 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_cells_nothing_is_near),
        cmocka_unit_test(a_lonely_cell_has_a_disc_and_no_neighbors),
        cmocka_unit_test(neighbors_count_once_in_any_tissue),
        cmocka_unit_test(overlapping_discs_are_one_area),
        cmocka_unit_test(a_neighbor_may_be_as_far_as_the_radius),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
