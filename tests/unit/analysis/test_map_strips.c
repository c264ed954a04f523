/* SPDX-License-Identifier: Apache-2.0 */
/* Strips of a map give what the whole map would: windows and their spread across the cuts. */
#include "unit_test.h"

#include <string.h>

#include "analysis/map_strips.h"
#include "base/alloc.h"

/* Three strips, the last one of a few rows. */
enum { WIDTH = 37, HEIGHT = 270, COUNT = WIDTH * HEIGHT, RADIUS = 9 };
static const RasterSize SIZE = {WIDTH, HEIGHT};

typedef struct Fixture {
    SlideMaps maps;
    uint16_t means[COUNT];
    uint8_t spread[COUNT];
    int judged[COUNT]; /* how often each place was some strip's own */
} Fixture;

static int set_up(void **state)
{
    Error error = {0};
    Fixture *fixture = ALLOC_NEW(Fixture);
    assert_true(slide_maps_open(&fixture->maps, SIZE, "/tmp", &error));
    uint32_t random = 7;
    for (size_t i = 0; i < COUNT; i++) {
        random = random * 1664525U + 1013904223U;
        fixture->maps.fine[i] = (uint8_t)(random >> 24);
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    slide_maps_close(&fixture->maps);
    alloc_free(fixture);
    return 0;
}

static void judge(void *context, const MapStrip *strip)
{
    Fixture *fixture = context;
    const uint8_t *fine = fixture->maps.fine + strip->offset;
    for (size_t i = 0; i < strip->seen; i++) {
        strip->planes[0][i] = (uint16_t)(fine[i] * 100);
        strip->mask[i] = fine[i] == 255 ? 1 : 0;
    }
    strip_mean(strip, strip->planes[0], RADIUS);
    strip_spread(strip, strip->planes[1], 1, RADIUS);
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        fixture->means[strip->offset + i] = strip->planes[0][i];
        fixture->spread[strip->offset + i] = strip->mask[i];
        fixture->judged[strip->offset + i]++;
    }
}

static void run(Fixture *fixture, unsigned thread_count)
{
    MapStrips strips;
    map_strips_init(&strips, &fixture->maps, RADIUS, thread_count);
    map_strips_run(&strips, RADIUS, judge, fixture);
    map_strips_clear(&strips);
}

/* The mean and the largest value of the window around a place, by going through it. */
static void window_of(const Fixture *fixture, int32_t x, int32_t y, double *mean_out, int *most_out)
{
    int sum = 0;
    int count = 0;
    int most = 0;
    for (int32_t r = y - RADIUS; r <= y + RADIUS; r++) {
        for (int32_t c = x - RADIUS; c <= x + RADIUS; c++) {
            if (r >= 0 && c >= 0 && r < HEIGHT && c < WIDTH) {
                int value = fixture->maps.fine[r * WIDTH + c];
                sum += value * 100;
                most = value > most ? value : most;
                count++;
            }
        }
    }
    *mean_out = (double)sum / count;
    *most_out = most;
}

static void windows_reach_across_the_cuts(void **state)
{
    Fixture *fixture = *state;
    run(fixture, 2);
    for (int32_t y = 0; y < HEIGHT; y++) {
        for (int32_t x = 0; x < WIDTH; x++) {
            double mean = 0;
            int most = 0;
            window_of(fixture, x, y, &mean, &most);
            /* Rounded along the row, then along the column. */
            assert_true(fixture->means[y * WIDTH + x] >= mean - 1);
            assert_true(fixture->means[y * WIDTH + x] <= mean + 1);
            assert_int_equal(fixture->spread[y * WIDTH + x], most == 255);
            assert_int_equal(fixture->judged[y * WIDTH + x], 1);
        }
    }
}

static void strips_give_what_the_whole_map_gives(void **state)
{
    Fixture *fixture = *state;
    uint16_t whole[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        whole[i] = (uint16_t)(fixture->maps.fine[i] * 100);
    }
    RasterScratch scratch;
    raster_scratch_init(&scratch, SIZE);
    raster_box_mean(whole, whole, SIZE, RADIUS, &scratch);
    raster_scratch_clear(&scratch);
    for (unsigned threads = 1; threads <= 3; threads++) {
        memset(fixture->means, 0, sizeof fixture->means);
        run(fixture, threads);
        assert_memory_equal(fixture->means, whole, sizeof whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_reach_across_the_cuts),
        cmocka_unit_test(strips_give_what_the_whole_map_gives),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
