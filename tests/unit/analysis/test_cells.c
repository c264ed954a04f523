/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of cells: their order and joining. */
#include "unit_test.h"

#include "analysis/cells.h"

static void add_cell(TileCells *cells, float x, float y, uint16_t point_count)
{
    Nucleus nucleus = {.cell = {.centroid = {x, y}, .point_count = point_count},
                       .kinds = {{[KIND_STROMAL] = (float)point_count}}};
    for (uint16_t i = 0; i < point_count; i++) {
        nucleus.points[i] = (CellPoint){x, (float)i};
    }
    tile_cells_add(cells, &nucleus);
}

/* Every cell's points still carry its x. */
static void assert_points_follow(const CellList *list)
{
    uint32_t points = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const Cell *cell = &list->cells[i];
        assert_int_equal(cell->first_point, points);
        for (uint16_t p = 0; p < cell->point_count; p++) {
            assert_true(list->points[cell->first_point + p].x_px == cell->centroid.x_px);
        }
        points += cell->point_count;
    }
    assert_int_equal(list->point_count, points);
}

static void cells_are_sorted_by_row_then_column(void **state)
{
    (void)state;
    TileCells cells = {.kinds = NULL};
    add_cell(&cells, 5, 9, 3);
    add_cell(&cells, 7, 2, 4);
    add_cell(&cells, 1, 9, 5);
    tile_cells_sort(&cells);
    const float expected[] = {7, 1, 5};
    for (int i = 0; i < 3; i++) {
        assert_true(cells.list.cells[i].centroid.x_px == expected[i]);
    }
    assert_points_follow(&cells.list);
    tile_cells_clear(&cells);
}

static void cells_of_all_tiles_are_joined_in_the_order_of_their_places(void **state)
{
    (void)state;
    Error error = {0};
    TileCells tiles[2] = {{.kinds = NULL}, {.kinds = NULL}};
    add_cell(&tiles[0], 10, 10, 3);
    add_cell(&tiles[0], 100, 50, 4);
    add_cell(&tiles[1], 101, 49, 5);
    add_cell(&tiles[1], 140, 50, 6);
    TileCells joined = {.kinds = NULL};
    assert_true(cells_join(tiles, 2, &joined, &error));
    const float expected[] = {10, 101, 100, 140};
    assert_int_equal(joined.list.count, 4);
    for (int i = 0; i < 4; i++) {
        assert_true(joined.list.cells[i].centroid.x_px == expected[i]);
        /* As the point count, the kinds went with the cell. */
        assert_true(joined.kinds[i].share[KIND_STROMAL] == (float)joined.list.cells[i].point_count);
    }
    assert_points_follow(&joined.list);
    assert_int_equal(tiles[0].list.count, 0);
    tile_cells_clear(&joined);
}

static void no_cells_join_to_none(void **state)
{
    (void)state;
    Error error = {0};
    TileCells tiles[2] = {{.kinds = NULL}, {.kinds = NULL}};
    TileCells joined = {.kinds = NULL};
    assert_true(cells_join(tiles, 2, &joined, &error));
    assert_int_equal(joined.list.count, 0);
    tile_cells_clear(&joined);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_sorted_by_row_then_column),
        cmocka_unit_test(cells_of_all_tiles_are_joined_in_the_order_of_their_places),
        cmocka_unit_test(no_cells_join_to_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
