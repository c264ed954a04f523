/* SPDX-License-Identifier: Apache-2.0 */
/* Grids coarser than their level: each pixel is the rounded mean of those that it covers. */
#include "unit_test.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <unistd.h>

#include "analysis/grid.h"
#include "base/alloc.h"
#include "base/file.h"

enum { WIDTH = 61, HEIGHT = 43 };

static uint8_t image_rgb[WIDTH * HEIGHT * 3];
static char folder[64];
static char path[96];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/slideway-grid-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/image.png", folder);
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof image_rgb; i++) {
        random = random * 1664525U + 1013904223U;
        image_rgb[i] = (uint8_t)(random >> 24);
    }
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = WIDTH, .height = HEIGHT, .format = PNG_FORMAT_RGB};
    assert_true(png_image_write_to_file(&image, path, 0, image_rgb, 0, NULL));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(folder_remove(folder, &error));
    return 0;
}

/* Beyond the image is white. */
static uint32_t level_value(int64_t x, int64_t y, int channel)
{
    bool outside = x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT;
    return outside ? 255 : image_rgb[(y * WIDTH + x) * 3 + channel];
}

static uint8_t mean_value(int64_t x, int64_t y, double ratio, int channel)
{
    uint32_t sum = 0;
    uint32_t count = 0;
    for (int64_t r = (int64_t)floor((double)y * ratio); r < floor((double)(y + 1) * ratio); r++) {
        for (int64_t c = (int64_t)floor((double)x * ratio); c < floor((double)(x + 1) * ratio);
             c++) {
            sum += level_value(c, r, channel);
            count++;
        }
    }
    return (uint8_t)((sum + count / 2) / count);
}

static void pixels_are_means_of_what_they_cover(void **state)
{
    (void)state;
    Error error = {0};
    GridReader reader;
    assert_true(grid_reader_open(&reader, path, &error));
    const double ratios[] = {1, 2, 3, 2.5};
    const GridRect rects[] = {{0, 0, 20, 14}, {-3, -2, 40, 30}, {7, 5, 1, 1}};
    uint8_t rgb[40 * 30 * 3];
    for (size_t r = 0; r < ARRAY_COUNT(ratios); r++) {
        Grid grid = {0, ratios[r], ratios[r], 0.5};
        for (size_t i = 0; i < ARRAY_COUNT(rects); i++) {
            const GridRect *rect = &rects[i];
            assert_true(grid_read(&reader, &grid, rect, rgb, &error));
            for (int32_t at = 0; at < rect->width * rect->height * 3; at++) {
                int64_t x = rect->x + at / 3 % rect->width;
                int64_t y = rect->y + at / 3 / rect->width;
                assert_int_equal(rgb[at], mean_value(x, y, ratios[r], at % 3));
            }
        }
    }
    grid_reader_close(&reader);
}

/* Between the middles of the four nearest pixels. */
static double interpolated_value(int64_t x, int64_t y, double ratio, int channel)
{
    double column = ((double)x + 0.5) * ratio - 0.5;
    double row = ((double)y + 0.5) * ratio - 0.5;
    int64_t left = (int64_t)floor(column);
    int64_t top = (int64_t)floor(row);
    double sum = 0;
    for (int64_t r = top; r <= top + 1; r++) {
        for (int64_t c = left; c <= left + 1; c++) {
            double near = (1 - fabs(column - (double)c)) * (1 - fabs(row - (double)r));
            sum += near * level_value(c, r, channel);
        }
    }
    return sum;
}

/* The second rectangle needs more pixels of the level than the buffer holds. */
static void finer_grids_are_interpolated_however_large(void **state)
{
    (void)state;
    Error error = {0};
    GridReader reader;
    assert_true(grid_reader_open(&reader, path, &error));
    const double ratios[] = {0.5, 0.625, 0.9};
    const GridRect rects[] = {{-3, -2, 40, 30}, {-2900, -1900, 3000, 2000}};
    AUTO_FREE uint8_t *rgb = alloc_array((size_t)3000 * 2000, 3);
    assert_true(3000 * 0.9 * 2000 * 0.9 > GRID_STRIP_PX);
    for (size_t r = 0; r < ARRAY_COUNT(ratios); r++) {
        Grid grid = {0, ratios[r], ratios[r], 0.5};
        for (size_t i = 0; i < ARRAY_COUNT(rects); i++) {
            const GridRect *rect = &rects[i];
            assert_true(grid_read(&reader, &grid, rect, rgb, &error));
            for (int32_t at = 0; at < rect->width * rect->height * 3; at++) {
                int64_t x = rect->x + at / 3 % rect->width;
                int64_t y = rect->y + at / 3 / rect->width;
                /* Weights are in 256ths. */
                assert_true(fabs(rgb[at] - interpolated_value(x, y, ratios[r], at % 3)) < 2.5);
            }
        }
    }
    grid_reader_close(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_means_of_what_they_cover),
        cmocka_unit_test(finer_grids_are_interpolated_however_large),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
