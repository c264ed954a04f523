/* SPDX-License-Identifier: Apache-2.0 */
/* Means, regions and thresholds on small images worked out by hand. */
#include "unit_test.h"

#include "analysis/raster.h"

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
    raster_remove_small(mask, (RasterSize){8, 6}, 0, 3, &scratch);
    for (int i = 0; i < 48; i++) {
        assert_int_equal(mask[i], i == 9 || i == 10 ? 1 : HOLED[i]);
    }
    raster_remove_small_anywhere(mask, (RasterSize){8, 6}, 0, 3, &scratch);
    assert_int_equal(mask[6], 1);
    assert_int_equal(mask[20], 0);
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
        cmocka_unit_test(otsu_separates_two_heaps_in_the_middle_of_the_gap),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
