/* SPDX-License-Identifier: Apache-2.0 */
/* Grids and tiles for slides of every kind, worked out by hand. */
#include "unit_test.h"

#include <math.h>

#include "analysis/analysis.h"
#include "analysis/plan.h"

static SlideInfo slide_of(int64_t side_px, double mpp, int level_count, double step)
{
    SlideInfo info = {.mpp = mpp, .level_count = level_count};
    double downsample = 1;
    for (int i = 0; i < level_count; i++) {
        int64_t side = (int64_t)((double)side_px / downsample);
        info.levels[i] = (SlideLevel){side, side, downsample, 256, 256};
        downsample *= step;
    }
    return info;
}

static AnalysisPlan plan_of(const SlideInfo *info, double mpp)
{
    Error error = {0};
    AnalysisPlan plan = {.mpp = 0};
    assert_true(analysis_plan(info, mpp, &plan, &error));
    return plan;
}

static void a_scan_of_40x_uses_its_second_level(void **state)
{
    (void)state;
    SlideInfo info = slide_of(40000, 0.25, 6, 2);
    AnalysisPlan plan = plan_of(&info, 0);
    assert_int_equal(plan.work.level, 1);
    assert_true(plan.work.ratio == 1 && plan.work.scale == 2 && plan.work.mpp == 0.5);
    /* 16 level 0 pixels are 4 microns: level 4. */
    assert_int_equal(plan.map.level, 4);
    assert_true(plan.map.scale == 16 && plan.map.mpp == 4);
    assert_int_equal(plan.map_width_px, 2500);
    /* Tiles of 128 map pixels. */
    assert_int_equal(plan.tile_map_px, 128);
    assert_int_equal(plan.tile_columns, 20);
    assert_int_equal(plan_tile_count(&plan), 400);
    GridRect last = plan_map_rect(&plan, 399);
    assert_int_equal(last.x, 19 * 128);
    assert_int_equal(last.width, 2500 - 19 * 128);
}

static void a_pyramid_without_a_fit_level_is_averaged_from_the_finer_one(void **state)
{
    (void)state;
    SlideInfo info = slide_of(40000, 0.25, 3, 4);
    AnalysisPlan plan = plan_of(&info, 0);
    assert_int_equal(plan.work.level, 0);
    assert_true(plan.work.ratio == 2 && plan.work.mpp == 0.5);
    assert_int_equal(plan.map.level, 2);
}

static void a_scan_of_10x_is_interpolated(void **state)
{
    (void)state;
    SlideInfo info = slide_of(10000, 1.0, 1, 2);
    AnalysisPlan plan = plan_of(&info, 0);
    assert_true(plan.work.ratio == 0.5 && plan.work.scale == 0.5 && plan.work.mpp == 0.5);
}

static void every_work_resolution_is_within_its_range(void **state)
{
    (void)state;
    int hundredths = (int)((ANALYSIS_MPP_MAX - ANALYSIS_MPP_MIN) * 100);
    for (int i = 0; i <= hundredths; i++) {
        double mpp = ANALYSIS_MPP_MIN + i / 100.0;
        for (int step = 2; step <= 4; step += 2) {
            SlideInfo info = slide_of(20000, mpp, 4, step);
            AnalysisPlan plan = plan_of(&info, 0);
            assert_true(plan.work.mpp >= 0.42 && plan.work.mpp <= 0.58);
            assert_true(plan.map.mpp >= 3 && plan.map.mpp <= 5);
            for (uint32_t t = 0; t < plan_tile_count(&plan); t++) {
                GridRect work = plan_work_rect(&plan, t);
                assert_true(work.width <= plan.tile_side_px && work.height <= plan.tile_side_px);
            }
        }
    }
}

static void a_huge_slide_has_a_coarser_map(void **state)
{
    (void)state;
    SlideInfo info = slide_of(200000, 0.25, 8, 2);
    AnalysisPlan plan = plan_of(&info, 0);
    /* 12,500 pixels a side at 4 microns are 156 M: 8 microns. */
    assert_true(plan.map.mpp == 8);
    assert_int_equal(plan.map_width_px, 6250);
    assert_int_equal(plan.tile_map_px, 64);
}

static void the_given_resolution_goes_before_that_of_the_file(void **state)
{
    (void)state;
    SlideInfo info = slide_of(4000, 0.25, 1, 2);
    assert_true(plan_of(&info, 0.5).mpp == 0.5);
    assert_true(plan_of(&info, 0).mpp == 0.25);
    info.mpp = 3;
    Error error = {0};
    AnalysisPlan plan;
    assert_false(analysis_plan(&info, 0, &plan, &error));
    assert_int_equal(error.code, ERROR_INVALID);
}

/* Blocks cover each tile once, whatever their size, and none is larger than one before it. */
static void every_tile_is_in_one_block(void **state)
{
    (void)state;
    const unsigned threads[] = {1, 2, 8, 64};
    for (size_t t = 0; t < ARRAY_COUNT(threads); t++) {
        /* 10 by 7 tiles. */
        AnalysisPlan plan = {.tile_columns = 10, .tile_rows = 7};
        plan_set_blocks(&plan, threads[t]);
        int covered[70] = {0};
        int32_t rows_before = 4;
        for (uint32_t b = 0; b < plan_block_count(&plan); b++) {
            TileBlock block = plan_block(&plan, b);
            assert_true(block.columns <= 4 && block.rows <= rows_before);
            rows_before = block.rows;
            for (int32_t i = 0; i < block.columns * block.rows; i++) {
                covered[(block.row + i / block.columns) * 10 + block.column + i % block.columns]++;
            }
        }
        for (int i = 0; i < 70; i++) {
            assert_int_equal(covered[i], 1);
        }
    }
}

/* What one thread does in the end while the others have nothing to do. */
static void the_last_blocks_are_a_small_part_of_all_for_several_threads(void **state)
{
    (void)state;
    const unsigned threads[] = {2, 8, 64};
    for (size_t t = 0; t < ARRAY_COUNT(threads); t++) {
        AnalysisPlan plan = {.tile_columns = 32, .tile_rows = 32};
        plan_set_blocks(&plan, threads[t]);
        int32_t left = 32 * 32;
        for (uint32_t b = 0; b < plan_block_count(&plan); b++) {
            TileBlock block = plan_block(&plan, b);
            /* Of the row of blocks that it is in, the first one had to fit. */
            int32_t row_began_with = (32 - block.row) * 32;
            int32_t tiles = block.columns * block.rows;
            assert_true(block.rows == 1 || tiles * 2 * (int32_t)threads[t] <= row_began_with);
            left -= tiles;
        }
        assert_int_equal(left, 0);
    }
}

static void blocks_are_large_where_threads_need_not_end_together(void **state)
{
    (void)state;
    AnalysisPlan plan = {.tile_columns = 100, .tile_rows = 100};
    plan_set_blocks(&plan, 1);
    assert_int_equal(plan_block_count(&plan), 25 * 25);
    plan_set_blocks(&plan, 2);
    TileBlock first = plan_block(&plan, 0);
    assert_int_equal(first.columns, 4);
    assert_int_equal(first.rows, 4);
    /* All rows of blocks have 4 rows of tiles, as long as 64 tiles are left. */
    assert_int_equal(plan_block_count(&plan), 25 * 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_of_40x_uses_its_second_level),
        cmocka_unit_test(a_pyramid_without_a_fit_level_is_averaged_from_the_finer_one),
        cmocka_unit_test(a_scan_of_10x_is_interpolated),
        cmocka_unit_test(every_work_resolution_is_within_its_range),
        cmocka_unit_test(a_huge_slide_has_a_coarser_map),
        cmocka_unit_test(the_given_resolution_goes_before_that_of_the_file),
        cmocka_unit_test(every_tile_is_in_one_block),
        cmocka_unit_test(the_last_blocks_are_a_small_part_of_all_for_several_threads),
        cmocka_unit_test(blocks_are_large_where_threads_need_not_end_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
