/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting by the distance to the border: discs that overlap, one disc, a shallow waist. */
#include "unit_test.h"

#include <math.h>

#include "analysis/watershed.h"

#define WIDTH 64
#define HEIGHT 40
static const RasterSize SIZE = {WIDTH, HEIGHT};

typedef struct Disc {
    double x;
    double y;
    double radius;
} Disc;

static uint8_t mask[WIDTH * HEIGHT];
static uint32_t labels[WIDTH * HEIGHT];

static void draw(const Disc *discs, int count)
{
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        mask[i] = 0;
        for (int d = 0; d < count; d++) {
            double distance = hypot(i % WIDTH + 0.5 - discs[d].x, (i / WIDTH) + 0.5 - discs[d].y);
            if (distance <= discs[d].radius) {
                mask[i] = 1;
            }
        }
    }
}

/* Heights are 16 times the distance; peaks must stand `depth_min` above their pass. */
static uint32_t split(uint16_t depth_min)
{
    static uint16_t heights[WIDTH * HEIGHT];
    RasterScratch raster;
    WatershedScratch scratch;
    raster_scratch_init(&raster, SIZE);
    watershed_scratch_init(&scratch, SIZE);
    raster_distance(mask, heights, SIZE, &raster);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        heights[i] = (uint16_t)(16 * sqrt(heights[i]));
    }
    Watershed watershed = {heights, mask, SIZE, depth_min, 0};
    uint32_t count = watershed_split(&watershed, labels, &scratch);
    raster_scratch_clear(&raster);
    watershed_scratch_clear(&scratch);
    return count;
}

static uint32_t label_at(int x, int y)
{
    return labels[y * WIDTH + x];
}

static void two_overlapping_discs_become_two_regions(void **state)
{
    (void)state;
    draw((const Disc[]){{20, 20, 10}, {36, 20, 10}}, 2);
    assert_int_equal(split(16), 2);
    assert_int_not_equal(label_at(20, 20), label_at(36, 20));
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        assert_int_equal(labels[i] != 0, mask[i]);
        int x = i % WIDTH;
        /* The waist is at x = 28; a pixel or two may fall to either side. */
        if (mask[i] != 0 && (x < 26 || x > 29)) {
            assert_int_equal(labels[i], x < 28 ? label_at(20, 20) : label_at(36, 20));
        }
    }
}

static void one_disc_stays_whole(void **state)
{
    (void)state;
    draw((const Disc[]){{30.3, 19.6, 12.4}}, 1);
    assert_int_equal(split(16), 1);
}

static void a_waist_shallower_than_asked_for_does_not_split(void **state)
{
    (void)state;
    draw((const Disc[]){{20, 20, 10}, {36, 20, 10}}, 2);
    /* The waist is sqrt(100 - 64) = 6 from its border, the peaks 10: 64 sixteenths deeper. */
    assert_int_equal(split(80), 1);
}

static void discs_apart_are_two_regions_whatever_the_depth(void **state)
{
    (void)state;
    draw((const Disc[]){{15, 20, 8}, {45, 20, 8}}, 2);
    assert_int_equal(split(UINT16_MAX), 2);
}

static void an_empty_mask_has_no_region(void **state)
{
    (void)state;
    draw(NULL, 0);
    assert_int_equal(split(1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_overlapping_discs_become_two_regions),
        cmocka_unit_test(one_disc_stays_whole),
        cmocka_unit_test(a_waist_shallower_than_asked_for_does_not_split),
        cmocka_unit_test(discs_apart_are_two_regions_whatever_the_depth),
        cmocka_unit_test(an_empty_mask_has_no_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
