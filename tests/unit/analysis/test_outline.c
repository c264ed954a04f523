/* SPDX-License-Identifier: Apache-2.0 */
/* Outlines of shapes whose ring, area and hull are known, and the ellipse of known moments. */
#include "unit_test.h"

#include <math.h>
#include <string.h>

#include "analysis/outline.h"
#include "analysis/shape.h"

#define assert_near(value, expected, within) assert_true(fabs((value) - (expected)) <= (within))

enum { SIDE = 48 };
static uint32_t labels[SIDE * SIDE];
static CellPoint ring[OUTLINE_POINTS_MAX];

/* Labels the places where the picture (rows of a string, '#') is set; returns the first. */
static size_t picture(const char *const *rows, int count)
{
    size_t first = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        labels[i] = 0;
    }
    for (int y = count - 1; y >= 0; y--) {
        for (int x = (int)strlen(rows[y]) - 1; x >= 0; x--) {
            if (rows[y][x] == '#') {
                first = (size_t)(y * SIDE + x);
                labels[first] = 7;
            }
        }
    }
    return first;
}

static uint32_t trace(size_t first)
{
    LabelImage image = {labels, {SIDE, SIDE}};
    return outline_trace(&image, first, ring);
}

static void one_pixel_is_a_diamond_through_the_middles_of_its_sides(void **state)
{
    (void)state;
    const char *const rows[] = {"", "  #"};
    uint32_t count = trace(picture(rows, 2));
    assert_int_equal(count, 4);
    const CellPoint expected[4] = {{2.5F, 1}, {3, 1.5F}, {2.5F, 2}, {2, 1.5F}};
    for (int i = 0; i < 4; i++) {
        assert_near(ring[i].x_px, expected[i].x_px, 1e-6);
        assert_near(ring[i].y_px, expected[i].y_px, 1e-6);
    }
    assert_near(outline_area(ring, 4), 0.5, 1e-9);
}

/* A 4 x 3 rectangle without its four corners' triangles of 1/8: 12 - 0.5. */
static void a_rectangle_loses_only_its_corners(void **state)
{
    (void)state;
    const char *const rows[] = {"", " ####", " ####", " ####"};
    uint32_t count = trace(picture(rows, 4));
    assert_int_equal(count, 14);
    assert_near(outline_area(ring, count), 11.5, 1e-6);
    /* Straight runs need only their ends: eight points. */
    count = outline_thin(ring, count, 0.01);
    assert_int_equal(count, 8);
    assert_near(outline_area(ring, count), 11.5, 1e-6);
    assert_near(outline_length(ring, count), 2 * 3 + 2 * 2 + 4 * sqrt(0.5), 1e-6);
}

static void a_pinched_region_has_a_simple_ring(void **state)
{
    (void)state;
    const char *const rows[] = {"######", "#  ###", "#  #  ", "### ##", "  ####"};
    uint32_t count = trace(picture(rows, 5));
    assert_true(count > 0);
    assert_true(outline_simple(ring, count));
}

static void a_region_at_the_image_border_is_traced_whole(void **state)
{
    (void)state;
    const char *const rows[] = {"##", "##"};
    uint32_t count = trace(picture(rows, 2));
    assert_int_equal(count, 8);
    assert_near(outline_area(ring, count), 3.5, 1e-6);
}

static void the_hull_of_an_l_closes_its_corner(void **state)
{
    (void)state;
    CellPoint shape[] = {{0, 0}, {1, 0}, {1, 3}, {4, 3}, {4, 4}, {0, 4}};
    uint32_t count = outline_hull(shape, 6);
    assert_int_equal(count, 5);
    /* The L has 7, the triangle between (1, 0), (4, 3) and (1, 3) half of 9. */
    assert_near(outline_area(shape, count), 11.5, 1e-6);
}

static void a_ring_that_crosses_itself_is_not_simple(void **state)
{
    (void)state;
    const CellPoint bow[] = {{0, 0}, {4, 4}, {4, 0}, {0, 4}};
    assert_false(outline_simple(bow, 4));
    const CellPoint touching[] = {{0, 0}, {4, 0}, {4, 4}, {2, 0}, {0, 4}};
    assert_false(outline_simple(touching, 5));
    const CellPoint square[] = {{0, 0}, {4, 0}, {4, 4}, {0, 4}};
    assert_true(outline_simple(square, 4));
}

static size_t draw_ellipse(double major, double minor, double angle)
{
    size_t first = SIDE * SIDE;
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        double dx = (double)(i % SIDE) + 0.5 - 24;
        double dy = (double)(i / SIDE) + 0.5 - 24;
        double along = (dx * cos(angle) + dy * sin(angle)) / major;
        double across = (dy * cos(angle) - dx * sin(angle)) / minor;
        labels[i] = along * along + across * across <= 1;
        first = labels[i] != 0 && first == SIDE * SIDE ? i : first;
    }
    return first;
}

static void a_thinned_ellipse_keeps_its_area_and_length(void **state)
{
    (void)state;
    size_t first = draw_ellipse(20, 12, 0.5);
    uint32_t count = trace(first);
    count = outline_thin(ring, count, 0.6);
    assert_true(count <= 40);
    assert_true(outline_simple(ring, count));
    assert_near(outline_area(ring, count), M_PI * 20 * 12, 0.02 * M_PI * 20 * 12);
    /* Ramanujan's approximation of the perimeter: 102.07. */
    assert_near(outline_length(ring, count), 102.07, 3);
}

static void an_ellipse_has_its_own_axes(void **state)
{
    (void)state;
    draw_ellipse(20, 12, 0.5);
    Moments moments = {0};
    for (int64_t i = 0; i < SIDE * SIDE; i++) {
        if (labels[i] != 0) {
            moments_add(&moments, i % SIDE, i / SIDE);
        }
    }
    Ellipse ellipse = moments_ellipse(&moments);
    assert_near(ellipse.x, 24, 0.05);
    assert_near(ellipse.y, 24, 0.05);
    assert_near(ellipse.major, 40, 0.4);
    assert_near(ellipse.minor, 24, 0.3);
}

/* A w x h rectangle has variances w²/12 and h²/12, so axes of 4 w / sqrt(12). */
static void a_rectangle_has_the_axes_of_its_variances(void **state)
{
    (void)state;
    Moments moments = {0};
    for (int64_t y = 0; y < 3; y++) {
        for (int64_t x = 0; x < 12; x++) {
            moments_add(&moments, x, y);
        }
    }
    Ellipse ellipse = moments_ellipse(&moments);
    assert_near(ellipse.major, 4 * 12 / sqrt(12), 1e-9);
    assert_near(ellipse.minor, 4 * 3 / sqrt(12), 1e-9);
    assert_near(ellipse.x, 6, 1e-9);
    assert_near(ellipse.y, 1.5, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pixel_is_a_diamond_through_the_middles_of_its_sides),
        cmocka_unit_test(a_rectangle_loses_only_its_corners),
        cmocka_unit_test(a_pinched_region_has_a_simple_ring),
        cmocka_unit_test(a_region_at_the_image_border_is_traced_whole),
        cmocka_unit_test(the_hull_of_an_l_closes_its_corner),
        cmocka_unit_test(a_ring_that_crosses_itself_is_not_simple),
        cmocka_unit_test(a_thinned_ellipse_keeps_its_area_and_length),
        cmocka_unit_test(an_ellipse_has_its_own_axes),
        cmocka_unit_test(a_rectangle_has_the_axes_of_its_variances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
