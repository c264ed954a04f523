/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of regions that are drawn by hand, against values worked out on paper. Lengths of outlines
 * follow from how many edges (e) and corners (c) of pixels they have:
 * pi/8 * ((1 + sqrt 2) * e - c / sqrt 2).
 */
#include "unit_test.h"

#include <math.h>
#include <string.h>

#include "analysis/region_shapes.h"
#include "analysis/shape.h"

enum { SIDE = 256 };

/* 2 microns a pixel, 4 square microns each. */
typedef struct Drawing {
    uint8_t classes[SIDE * SIDE];
    ClassMap map;
} Drawing;

static void draw_rows(Drawing *drawing, const char *const *rows, int row_count)
{
    int width = (int)strlen(rows[0]);
    for (int y = 0; y < row_count; y++) {
        for (int x = 0; x < width; x++) {
            drawing->classes[y * width + x] = rows[y][x] == '#' ? TISSUE_STROMA : 0;
        }
    }
    drawing->map = (ClassMap){width, row_count, 4, 2, drawing->classes};
}

/* Pixels whose middle lies in an ellipse with half axes a and b around the middle, turned so that
 * the first has the direction (cosine, sine); none within `hole` of it. */
static void
draw_ellipse(Drawing *drawing, double a, double b, double cosine, double sine, double hole)
{
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            double dx = x + 0.5 - SIDE / 2.0;
            double dy = y + 0.5 - SIDE / 2.0;
            double along = (dx * cosine + dy * sine) / a;
            double across = (dy * cosine - dx * sine) / b;
            bool inside = along * along + across * across <= 1 && hypot(dx, dy) > hole;
            drawing->classes[y * SIDE + x] = inside ? TISSUE_STROMA : 0;
        }
    }
    drawing->map = (ClassMap){SIDE, SIDE, 4, 2, drawing->classes};
}

static RegionShapes take(const Drawing *drawing)
{
    RegionShapes shapes[TISSUE_CLASS_COUNT];
    AUTO_REGIONS regions = {.map = NULL};
    regions_find(&drawing->map, &regions);
    region_shapes_take(&regions, shapes, TISSUE_CLASS_COUNT);
    assert_int_equal(shapes[TISSUE_CARCINOMA].count, 0);
    return shapes[TISSUE_STROMA];
}

static void near(double found, double expected, double share)
{
    if (fabs(found - expected) > share * fabs(expected)) {
        fail_msg("%g is not %g", found, expected);
    }
}

/* 6 x 4 px: e = 20, c = 4, which makes a length of 17.8505 px. */
static void a_rectangle_has_its_sides(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"........", ".######.", ".######.",
                                       ".######.", ".######.", "........"};
    Drawing drawing;
    draw_rows(&drawing, ROWS, 6);
    RegionShapes shapes = take(&drawing);
    const RegionShape *shape = &shapes.largest;
    double length_px = M_PI / 8 * (20 * (1 + M_SQRT2) - 4 / M_SQRT2);
    assert_int_equal(shapes.count, 1);
    near(shape->area_um2, 96, 1e-12);
    near(shape->filled_area_um2, 96, 1e-12);
    near(shape->convex_area_um2, 96, 1e-12);
    near(shape->extent_um2, 96, 1e-12);
    near(shape->solidity, 1, 1e-12);
    near(shape->perimeter_um, 2 * length_px, 1e-12);
    near(shape->perimeter_um, 35.7009, 1e-5);
    near(shape->major_axis_um, 12, 1e-12);
    near(shape->minor_axis_um, 8, 1e-12);
    near(shape->roundness, 4 * M_PI * 24 / (length_px * length_px), 1e-12);
    near(shape->roundness, 0.946505, 1e-5);
}

static void a_single_pixel_is_round(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"...", ".#.", "..."};
    Drawing drawing;
    draw_rows(&drawing, ROWS, 3);
    const RegionShape shape = take(&drawing).largest;
    near(shape.area_um2, 4, 1e-12);
    near(shape.convex_area_um2, 4, 1e-12);
    near(shape.perimeter_um, 2 * M_PI / 8 * (4 * (1 + M_SQRT2) - 4 / M_SQRT2), 1e-12);
    assert_true(shape.roundness == 1);
    near(shape.major_axis_um, 2, 1e-12);
    near(shape.minor_axis_um, 2, 1e-12);
}

/* A frame of 7 x 5 px around a hole of 3 x 1: outside e = 24, inside e = 8; four corners each. */
static void a_ring_is_round_by_its_outside_and_long_by_both(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"#######", "#######", "##...##", "#######", "#######"};
    Drawing drawing;
    draw_rows(&drawing, ROWS, 5);
    const RegionShape shape = take(&drawing).largest;
    double outside_px = M_PI / 8 * (24 * (1 + M_SQRT2) - 4 / M_SQRT2);
    double inside_px = M_PI / 8 * (8 * (1 + M_SQRT2) - 4 / M_SQRT2);
    near(shape.area_um2, 32 * 4, 1e-12);
    near(shape.filled_area_um2, 35 * 4, 1e-12);
    near(shape.convex_area_um2, 35 * 4, 1e-12);
    near(shape.solidity, 32.0 / 35, 1e-12);
    near(shape.perimeter_um, 2 * (outside_px + inside_px), 1e-12);
    near(shape.roundness, 4 * M_PI * 35 / (outside_px * outside_px), 1e-12);
}

/* An L of 5 px: its hull is a square of 9 without a triangle of half of 4. A rectangle along its
 * slope has sides of 3 sqrt 2 and 2 sqrt 2: it is larger than the square. */
static void a_hull_bridges_a_bay(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"#..", "#..", "###"};
    Drawing drawing;
    draw_rows(&drawing, ROWS, 3);
    const RegionShape shape = take(&drawing).largest;
    near(shape.area_um2, 5 * 4, 1e-12);
    near(shape.extent_um2, 9 * 4, 1e-12);
    near(shape.convex_area_um2, 7 * 4, 1e-12);
    near(shape.solidity, 5.0 / 7, 1e-12);
    near(shape.major_axis_um, 2 * 3, 1e-12);
    near(shape.minor_axis_um, 2 * 3, 1e-12);
}

/* The corners of these stairs lie between 0 and 15 along the direction (2, 1), and between -3 and 2
 * across it, both in units of 1 / sqrt 5: an area of 15, less than the 6 x 3 along the axes. */
static void a_slanted_region_has_a_slanted_rectangle(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"###...", "..###.", "....##"};
    Drawing drawing;
    draw_rows(&drawing, ROWS, 3);
    const RegionShape shape = take(&drawing).largest;
    near(shape.extent_um2, 18 * 4, 1e-12);
    near(shape.major_axis_um, 2 * 3 * sqrt(5), 1e-12);
    near(shape.minor_axis_um, 2 * sqrt(5), 1e-12);
}

/* Ramanujan's formula for the circumference is good to 1e-5 here. */
static void a_turned_ellipse_has_its_axes_and_circumference(void **state)
{
    (void)state;
    enum { A = 90, B = 45 };
    Drawing drawing;
    draw_ellipse(&drawing, A, B, 0.8, 0.6, 0);
    const RegionShape shape = take(&drawing).largest;
    double h = (double)(A - B) * (A - B) / ((A + B) * (A + B));
    double circumference = M_PI * (A + B) * (1 + 3 * h / (10 + sqrt(4 - 3 * h)));
    near(shape.major_axis_um, 2.0 * 2 * A, 0.015);
    near(shape.minor_axis_um, 2.0 * 2 * B, 0.015);
    near(shape.filled_area_um2, 4 * M_PI * A * B, 0.002);
    near(shape.perimeter_um, 2 * circumference, 0.02);
    near(shape.roundness, 4 * M_PI * M_PI * A * B / (circumference * circumference), 0.04);
    near(shape.solidity, 1, 0.02);
}

static void a_disc_with_a_hole_is_as_round_as_a_disc(void **state)
{
    (void)state;
    Drawing drawing;
    draw_ellipse(&drawing, 100, 100, 1, 0, 60);
    const RegionShape shape = take(&drawing).largest;
    near(shape.area_um2, 4 * M_PI * (10000 - 3600), 0.002);
    near(shape.filled_area_um2, 4 * M_PI * 10000, 0.002);
    near(shape.perimeter_um, 2 * 2 * M_PI * 160, 0.01);
    near(shape.roundness, 1, 0.02);
    near(shape.solidity, 0.64, 0.01);
    near(shape.major_axis_um, 2 * 200, 0.01);
    near(shape.minor_axis_um, 2 * 200, 0.01);
}

/* 1 px and 4 px in a row; the mean of the extents is 2.5 px, and both are convex. */
static void regions_of_a_class_have_means_and_a_largest(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"#.....", "..####"};
    Drawing drawing;
    draw_rows(&drawing, ROWS, 2);
    RegionShapes shapes = take(&drawing);
    double length_px = M_PI / 8 * (10 * (1 + M_SQRT2) - 4 / M_SQRT2);
    assert_int_equal(shapes.count, 2);
    near(shapes.extent_um2_sum, 5 * 4, 1e-12);
    near(shapes.solidity_sum, 2, 1e-12);
    near(shapes.largest.area_um2, 16, 1e-12);
    near(shapes.roundness_sum, 1 + 4 * M_PI * 4 / (length_px * length_px), 1e-12);
}

static void of_several_largest_regions_the_first_counts(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"##.....", "##.####"};
    Drawing drawing;
    draw_rows(&drawing, ROWS, 2);
    RegionShapes shapes = take(&drawing);
    assert_int_equal(shapes.count, 2);
    near(shapes.largest.extent_um2, 4 * 4, 1e-12);
    near(shapes.largest.major_axis_um, shapes.largest.minor_axis_um, 1e-12);
}

static void roundness_is_at_most_one(void **state)
{
    (void)state;
    near(shape_roundness(4, 8), M_PI / 4, 1e-12);
    assert_true(shape_roundness(1, 2) == 1);
    assert_true(isnan(shape_roundness(1, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rectangle_has_its_sides),
        cmocka_unit_test(a_single_pixel_is_round),
        cmocka_unit_test(a_ring_is_round_by_its_outside_and_long_by_both),
        cmocka_unit_test(a_hull_bridges_a_bay),
        cmocka_unit_test(a_slanted_region_has_a_slanted_rectangle),
        cmocka_unit_test(a_turned_ellipse_has_its_axes_and_circumference),
        cmocka_unit_test(a_disc_with_a_hole_is_as_round_as_a_disc),
        cmocka_unit_test(regions_of_a_class_have_means_and_a_largest),
        cmocka_unit_test(of_several_largest_regions_the_first_counts),
        cmocka_unit_test(roundness_is_at_most_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
