/* SPDX-License-Identifier: Apache-2.0 */
/* Means, regions and thresholds on small images worked out by hand. */
#include "unit_test.h"

#include <string.h>

#include "analysis/raster.h"
#include "base/alloc.h"

static RasterScratch scratch;
static const RasterSize LARGEST = {64, 64};

static int set_up(void **state)
{
    (void)state;
    raster_scratch_init(&scratch, LARGEST);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    raster_scratch_clear(&scratch);
    return 0;
}

static void box_mean_of_one_bright_pixel_spreads_over_its_window(void **state)
{
    (void)state;
    uint16_t image[25] = {0};
    image[12] = 900;
    raster_box_mean(image, image, (RasterSize){5, 5}, 1, &scratch);
    for (int i = 0; i < 25; i++) {
        bool near = i % 5 >= 1 && i % 5 <= 3 && i / 5 >= 1 && i / 5 <= 3;
        assert_int_equal(image[i], near ? 100 : 0);
    }
}

static void box_mean_at_the_border_counts_only_what_exists(void **state)
{
    (void)state;
    uint16_t image[4] = {100, 200, 300, 400};
    raster_box_mean(image, image, (RasterSize){4, 1}, 1, &scratch);
    const uint16_t expected[4] = {150, 200, 300, 350};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(image[i], expected[i]);
    }
}

/* A hole of 2 pixels, a hole of 4, and a notch at the border. */
static const uint8_t HOLED[8 * 6] = {
    1, 1, 1, 1, 1, 1, 0, 1, /* */
    1, 0, 0, 1, 1, 1, 1, 1, /* */
    1, 1, 1, 1, 0, 0, 1, 1, /* */
    1, 1, 1, 1, 0, 0, 1, 1, /* */
    1, 1, 1, 1, 1, 1, 1, 1, /* */
    1, 1, 1, 1, 1, 1, 1, 1,
};

static void small_holes_are_filled_but_not_large_ones_nor_those_at_the_border(void **state)
{
    (void)state;
    uint8_t mask[48];
    for (int i = 0; i < 48; i++) {
        mask[i] = HOLED[i];
    }
    raster_remove_small(mask, (RasterSize){8, 6}, 0, 3);
    for (int i = 0; i < 48; i++) {
        assert_int_equal(mask[i], i == 9 || i == 10 ? 1 : HOLED[i]);
    }
    raster_remove_small_anywhere(mask, (RasterSize){8, 6}, 0, 3);
    assert_int_equal(mask[6], 1);
    assert_int_equal(mask[20], 0);
}

/* Two regions that touch at a corner, one of them with two strong places, and a third one alone. */
static void regions_stay_when_enough_of_them_is_strong(void **state)
{
    (void)state;
    const uint8_t before[5 * 4] = {
        1, 2, 0, 0, 2, /* */
        1, 2, 0, 0, 1, /* */
        0, 0, 1, 2, 0, /* */
        0, 0, 1, 0, 0,
    };
    const uint8_t after[5 * 4] = {
        1, 1, 0, 0, 0, /* */
        1, 1, 0, 0, 0, /* */
        0, 0, 0, 0, 0, /* */
        0, 0, 0, 0, 0,
    };
    uint8_t mask[5 * 4];
    memcpy(mask, before, sizeof mask);
    raster_keep_strong(mask, (RasterSize){5, 4}, 2);
    assert_memory_equal(mask, after, sizeof mask);
}

/* Behind the back of a comb all of its teeth wait to be gone through: more than there is memory for
 * at first. */
static void a_region_with_a_long_rim_is_one_region(void **state)
{
    (void)state;
    enum { WIDTH = 9001, HEIGHT = 7, TEETH = WIDTH / 2 + 1, COUNT = WIDTH + TEETH * (HEIGHT - 1) };
    const RasterSize size = {WIDTH, HEIGHT};
    size_t total = raster_count(size);
    AUTO_FREE uint8_t *mask = alloc_array(total, 1);
    AUTO_FREE uint8_t *comb = alloc_array(total, 1);
    for (size_t i = 0; i < total; i++) {
        comb[i] = i < WIDTH || i % WIDTH % 2 == 0;
    }
    memcpy(mask, comb, total);
    raster_remove_small_anywhere(mask, size, 1, COUNT);
    assert_memory_equal(mask, comb, total);
    raster_remove_small_anywhere(mask, size, 1, COUNT + 1);
    assert_null(memchr(mask, 1, total));
}

enum { RANDOM_WIDTH = 61, RANDOM_HEIGHT = 40, RANDOM_COUNT = RANDOM_WIDTH * RANDOM_HEIGHT };

/* The least index in each pixel's region, by passing smaller ones on until nothing changes. */
static void label_slowly(const uint8_t *mask, int labels_out[RANDOM_COUNT])
{
    const int steps[4] = {-1, 1, -RANDOM_WIDTH, RANDOM_WIDTH};
    for (int i = 0; i < RANDOM_COUNT; i++) {
        labels_out[i] = i;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < RANDOM_COUNT * 4; i++) {
            int at = i / 4;
            int beside = at + steps[i % 4];
            bool same_row = beside / RANDOM_WIDTH == at / RANDOM_WIDTH || i % 4 > 1;
            if (beside >= 0 && beside < RANDOM_COUNT && same_row &&
                (mask[beside] != 0) == (mask[at] != 0) && labels_out[beside] < labels_out[at]) {
                labels_out[at] = labels_out[beside];
                changed = true;
            }
        }
    }
}

/* What raster_remove_small and raster_keep_strong say about random masks, from dense to sparse. */
static void regions_of_any_shape_are_those_of_a_slow_search(void **state)
{
    (void)state;
    const RasterSize size = {RANDOM_WIDTH, RANDOM_HEIGHT};
    uint32_t random = 1;
    for (uint32_t sparse = 1; sparse < 10; sparse++) {
        uint8_t mask[RANDOM_COUNT];
        for (int i = 0; i < RANDOM_COUNT; i++) {
            random = random * 1664525U + 1013904223U;
            uint32_t value = (random >> 16) % 10;
            mask[i] = value >= sparse ? value == sparse ? MASK_STRONG : MASK_WEAK : MASK_NONE;
        }
        int labels[RANDOM_COUNT];
        int counts[RANDOM_COUNT] = {0};
        int strong[RANDOM_COUNT] = {0};
        bool at_border[RANDOM_COUNT] = {false};
        label_slowly(mask, labels);
        for (int i = 0; i < RANDOM_COUNT; i++) {
            int x = i % RANDOM_WIDTH;
            int y = i / RANDOM_WIDTH;
            counts[labels[i]]++;
            strong[labels[i]] += mask[i] == MASK_STRONG;
            at_border[labels[i]] |=
                x == 0 || y == 0 || x == RANDOM_WIDTH - 1 || y == RANDOM_HEIGHT - 1;
        }
        uint8_t kept[RANDOM_COUNT];
        memcpy(kept, mask, sizeof kept);
        raster_keep_strong(kept, size, 3);
        uint8_t filled[RANDOM_COUNT];
        for (int i = 0; i < RANDOM_COUNT; i++) {
            assert_int_equal(kept[i], mask[i] != MASK_NONE && strong[labels[i]] >= 3);
            filled[i] = mask[i] != MASK_NONE;
        }
        raster_remove_small(filled, size, 0, 20);
        for (int i = 0; i < RANDOM_COUNT; i++) {
            bool small = counts[labels[i]] < 20 && !at_border[labels[i]];
            assert_int_equal(filled[i], mask[i] != MASK_NONE || small);
        }
    }
}

static void otsu_separates_two_heaps_in_the_middle_of_the_gap(void **state)
{
    (void)state;
    const uint32_t histogram[10] = {5, 20, 5, 0, 0, 0, 0, 10, 30, 10};
    assert_int_equal(raster_otsu(histogram, 10), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(box_mean_of_one_bright_pixel_spreads_over_its_window),
        cmocka_unit_test(box_mean_at_the_border_counts_only_what_exists),
        cmocka_unit_test(small_holes_are_filled_but_not_large_ones_nor_those_at_the_border),
        cmocka_unit_test(regions_stay_when_enough_of_them_is_strong),
        cmocka_unit_test(a_region_with_a_long_rim_is_one_region),
        cmocka_unit_test(regions_of_any_shape_are_those_of_a_slow_search),
        cmocka_unit_test(otsu_separates_two_heaps_in_the_middle_of_the_gap),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
