/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of cells: their order, joining and dropping. */
#include "unit_test.h"

#include <string.h>

#include "analysis/cell_spool.h"

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

static CellSpool spool_of(TileCells *tiles, uint32_t tile_count)
{
    Error error = {0};
    CellSpool spool;
    assert_true(cell_spool_open(&spool, "/tmp", tile_count, &error));
    /* Tiles end in any order. */
    for (uint32_t t = tile_count; t-- > 0;) {
        assert_true(cell_spool_put(&spool, t, &tiles[t], &error));
        assert_int_equal(tiles[t].list.count, 0);
        tile_cells_clear(&tiles[t]);
    }
    return spool;
}

static void cells_of_all_tiles_are_joined_in_the_order_of_their_places(void **state)
{
    (void)state;
    Error error = {0};
    /* Two rows of two tiles of 100 px; a centroid of the lower row lies in the upper one. */
    TileCells tiles[4] = {{.kinds = NULL}, {.kinds = NULL}, {.kinds = NULL}, {.kinds = NULL}};
    add_cell(&tiles[0], 10, 10, 3);
    add_cell(&tiles[0], 20, 98, 7);
    add_cell(&tiles[0], 100, 50, 4);
    add_cell(&tiles[1], 101, 49, 5);
    add_cell(&tiles[1], 140, 50, 6);
    add_cell(&tiles[3], 130, 150, 9);
    add_cell(&tiles[3], 120, 97, 8);
    AUTO_CELL_SPOOL spool = spool_of(tiles, 4);
    TileCells joined = {.kinds = NULL};
    CellRows rows = {.columns = 2, .rows = 2, .row_px = 100, .reach_px = 5};
    assert_true(cells_join(&spool, &rows, "/tmp", &joined, &error));
    const float expected[] = {10, 101, 100, 140, 120, 20, 130};
    assert_int_equal(joined.list.count, 7);
    for (int i = 0; i < 7; i++) {
        assert_true(joined.list.cells[i].centroid.x_px == expected[i]);
        /* As the point count, the kinds went with the cell. */
        assert_true(joined.kinds[i].share[KIND_STROMAL] == (float)joined.list.cells[i].point_count);
    }
    assert_points_follow(&joined.list);
    tile_cells_clear(&joined);
}

static void joined_cells_keep_what_is_written_to_them_without_their_pages(void **state)
{
    (void)state;
    Error error = {0};
    TileCells tile = {.kinds = NULL};
    add_cell(&tile, 10, 10, 3);
    add_cell(&tile, 20, 20, 4);
    AUTO_CELL_SPOOL spool = spool_of(&tile, 1);
    TileCells joined = {.kinds = NULL};
    CellRows rows = {.columns = 1, .rows = 1, .row_px = 100, .reach_px = 5};
    assert_true(cells_join(&spool, &rows, "/tmp", &joined, &error));
    joined.list.cells[1].cell_class = CELL_FIBROBLAST;
    cell_list_rest(&joined.list, 0);
    assert_int_equal(joined.list.cells[1].cell_class, CELL_FIBROBLAST);
    const bool dropped[] = {true, false};
    tile_cells_drop(&joined, dropped);
    cell_list_rest(&joined.list, 0);
    assert_int_equal(joined.list.count, 1);
    assert_int_equal(joined.list.cells[0].point_count, 4);
    assert_points_follow(&joined.list);
    tile_cells_clear(&joined);
}

static void no_cells_join_to_none(void **state)
{
    (void)state;
    Error error = {0};
    TileCells tiles[2] = {{.kinds = NULL}, {.kinds = NULL}};
    AUTO_CELL_SPOOL spool = spool_of(tiles, 2);
    TileCells joined = {.kinds = NULL};
    CellRows rows = {.columns = 1, .rows = 2, .row_px = 100, .reach_px = 5};
    assert_true(cells_join(&spool, &rows, "/tmp", &joined, &error));
    assert_int_equal(joined.list.count, 0);
    tile_cells_clear(&joined);
}

static void cells_need_a_folder_that_can_be_written_to(void **state)
{
    (void)state;
    Error error = {0};
    CellSpool spool;
    assert_false(cell_spool_open(&spool, "/nonexistent", 1, &error));
    assert_int_equal(error.code, ERROR_INTERNAL);
    assert_non_null(strstr(error.message, "/nonexistent"));
    cell_spool_close(&spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_sorted_by_row_then_column),
        cmocka_unit_test(cells_of_all_tiles_are_joined_in_the_order_of_their_places),
        cmocka_unit_test(joined_cells_keep_what_is_written_to_them_without_their_pages),
        cmocka_unit_test(no_cells_join_to_none),
        cmocka_unit_test(cells_need_a_folder_that_can_be_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
