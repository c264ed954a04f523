/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Centres of nuclei in a stream of logits, against the definition on the whole image of logits.
 */
#include "unit_test.h"

#include "analysis/centres.h"
#include "base/alloc.h"
#include "network_maker.h"

enum { WIDTH_MAX = 70, HEIGHT_MAX = 60 };

static uint8_t file[MADE_BYTES_MAX];

typedef struct Plane {
    int width;
    int height;
    int32_t values[WIDTH_MAX * HEIGHT_MAX];
} Plane;

static int32_t value_at(const Plane *plane, int x, int y, int32_t beyond)
{
    bool inside = x >= 0 && y >= 0 && x < plane->width && y < plane->height;
    return inside ? plane->values[y * plane->width + x] : beyond;
}

static void sum_around(const Plane *logits, Plane *heat)
{
    heat->width = logits->width;
    heat->height = logits->height;
    for (int i = 0; i < logits->width * logits->height; i++) {
        heat->values[i] = 0;
        for (int place = 0; place < 9; place++) {
            heat->values[i] += value_at(logits, i % logits->width + place % 3 - 1,
                                        i / logits->width + place / 3 - 1, 0);
        }
    }
}

/* Above all before it in reading order, not below any behind it, within two places. */
static bool is_centre(const Plane *heat, int x, int y)
{
    int32_t own = value_at(heat, x, y, 0);
    bool highest = own > 0;
    for (int place = 0; place < 25; place++) {
        int32_t other = value_at(heat, x + place % 5 - 2, y + place / 5 - 2, INT32_MIN);
        highest = highest && (place < 12 ? own > other : own >= other);
    }
    return highest;
}

static void expect_centres(const Plane *logits, const Centres *centres)
{
    static Plane heat;
    sum_around(logits, &heat);
    uint32_t found = 0;
    for (int y = 0; y < heat.height; y++) {
        for (int x = 0; x < heat.width; x++) {
            if (!is_centre(&heat, x, y)) {
                continue;
            }
            assert_true(found < centres->count);
            assert_int_equal(centres->items[found].x_px, centres->rect.x + 2 * x + 1);
            assert_int_equal(centres->items[found].y_px, centres->rect.y + 2 * y + 1);
            found++;
        }
    }
    assert_int_equal(found, centres->count);
}

/* Runs the network over both parts with the same finder and counts the centres. */
static uint32_t compare(MadeNetwork *made, const GridRect *rects, int rect_count)
{
    Error error = {0};
    AUTO_NETWORK *network = NULL;
    size_t bytes = made_write(made, file);
    if (!network_read(file, bytes, &network, &error)) {
        fail_msg("%s", error.message);
    }
    NetworkProgram program;
    network_program_init(&program, network, NULL);
    CentreFinder *finder = centre_finder_create(&program, 2 * WIDTH_MAX, 2 * HEIGHT_MAX);
    uint32_t sum = 0;
    for (int i = 0; i < rect_count; i++) {
        size_t count = (size_t)rects[i].width * (size_t)rects[i].height * 3;
        AUTO_FREE uint8_t *rgb = alloc_array(count, 1);
        for (size_t at = 0; at < count; at++) {
            rgb[at] = (uint8_t)made_random(made, 256);
        }
        AUTO_FREE int16_t *logits = made_run(made, rgb, rects[i].width, rects[i].height);
        static Plane plane;
        plane.width = rects[i].width / 2;
        plane.height = rects[i].height / 2;
        for (int at = 0; at < plane.width * plane.height; at++) {
            plane.values[at] = logits[at * network->logit_count + LOGIT_CENTRE];
        }
        const Centres *centres = centre_finder_run(finder, &rects[i], rgb);
        expect_centres(&plane, centres);
        sum += centres->count;
    }
    centre_finder_destroy(finder);
    network_program_clear(&program);
    return sum;
}

static void centres_are_the_peaks_of_smoothed_heat(void **state)
{
    (void)state;
    const GridRect rects[] = {{0, 0, 128, 96}, {16, 48, 96, 112}, {0, 0, 16, 16}, {32, 0, 32, 16}};
    uint32_t centres = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        MadeNetwork made;
        made_unet(&made, seed);
        centres += compare(&made, rects, ARRAY_COUNT(rects));
        made_clear(&made);
    }
    assert_true(centres > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(centres_are_the_peaks_of_smoothed_heat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
