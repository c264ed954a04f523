/* SPDX-License-Identifier: Apache-2.0 */
/* What a table refuses and how its boxes are rounded; its content is read in tests/integration. */
#include "unit_test.h"

#include <stdio.h>
#include <string.h>

#include "analysis/polygon_table.h"
#include "base/alloc.h"
#include "base/file.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static const PolygonKind CELLS = {CELL_CLASSES, CELL_CLASS_COUNT, "CELL_ID", true};

/* 256 MiB hold 16,777,215 points of 16 bytes and the 13 bytes before them. */
static void a_polygon_of_too_many_corners_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/slideway-polygons-XXXXXX";
    assert_non_null(mkdtemp(folder));
    AUTO_POLYGON_TABLE table = {.count = 0};
    Error error = {0};
    assert_true(polygon_table_create(&table, &CELLS, folder, "table", &error));
    PolygonRow row = {.id = 1, .class = CELL_OTHER, .ring_count = 1, .point_count = 16777216};
    assert_false(polygon_table_begin(&table, &row, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_non_null(strstr(error.message, "16777216 corners"));
    row.point_count = 16777215;
    assert_true(polygon_table_begin(&table, &row, &error));
    assert_true(folder_remove(folder, &error));
}

/* 0.1 and 0.7 lie between two floats: 0.1 below the next one (0.100000001), 0.7 above the one
 * before (0.69999999); 16777217 is the first whole number that is no float. */
static void boxes_are_rounded_outwards(void **state)
{
    (void)state;
    static const struct {
        double bounds[4];
        float expected[4];
    } CASES[] = {
        {{0.1, 0.7, 0.1, 0.7}, {0x1.999998p-4F, 0x1.666666p-1F, 0x1.99999ap-4F, 0x1.666668p-1F}},
        {{16777217, 2.5, 16777217, 2.5}, {16777216, 2.5F, 16777218, 2.5F}},
    };
    char folder[] = "/tmp/slideway-polygons-XXXXXX";
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        AUTO_POLYGON_TABLE table = {.count = 0};
        Error error = {0};
        assert_true(polygon_table_create(&table, &CELLS, folder, "table", &error));
        PolygonRow row = {.id = 1, .class = CELL_OTHER};
        memcpy(row.bounds, CASES[i].bounds, sizeof row.bounds);
        assert_true(polygon_table_begin(&table, &row, &error));
        polygon_table_end_row(&table);
        assert_true(polygon_table_finish(&table, &error));
        AUTO_FREE char *path = alloc_format("%s/table", folder);
        AUTO_FREE char *content = NULL;
        size_t length = 0;
        assert_true(file_read(path, FILE_BYTES_MAX, &content, &length, &error));
        /* Both statistics of a box's side are its one value: 28 04 … 18 04 … (see test_parquet). */
        for (int side = 0; side < 4; side++) {
            uint8_t wanted[12] = {0x28, 4, 0, 0, 0, 0, 0x18, 4};
            memcpy(wanted + 2, &CASES[i].expected[side], 4);
            memcpy(wanted + 8, &CASES[i].expected[side], 4);
            assert_non_null(memmem(content, length, wanted, sizeof wanted));
        }
    }
    Error error = {0};
    assert_true(folder_remove(folder, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_polygon_of_too_many_corners_is_refused),
        cmocka_unit_test(boxes_are_rounded_outwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
