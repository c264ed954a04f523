/* SPDX-License-Identifier: Apache-2.0 */
/* Outlines of small maps drawn by hand, against rings written by hand. */
#include "unit_test.h"

#include <stdio.h>
#include <string.h>

#include "analysis/regions.h"

enum { DRAWING_SIDE_MAX = 16, TEXT_BYTES = 512 };

/* A map of the digits in `rows`. */
typedef struct Drawing {
    uint8_t classes[DRAWING_SIDE_MAX * DRAWING_SIDE_MAX];
    ClassMap map;
} Drawing;

static void draw(Drawing *drawing, const char *const *rows, int row_count)
{
    int width = (int)strlen(rows[0]);
    for (int y = 0; y < row_count; y++) {
        for (int x = 0; x < width; x++) {
            drawing->classes[y * width + x] = (uint8_t)(rows[y][x] - '0');
        }
    }
    drawing->map = (ClassMap){width, row_count, 1, 1, drawing->classes};
}

/* "2: 0,0 2,0 2,1 0,1 / …": class and rings of a region. */
static void describe(RingWalk *walk, uint32_t region, char out[TEXT_BYTES])
{
    int length = snprintf(out, TEXT_BYTES, "%d:", region_class(walk->regions, region));
    const char *between = "";
    ring_walk_region(walk, region);
    for (const Ring *ring = ring_walk_next(walk); ring != NULL; ring = ring_walk_next(walk)) {
        length += snprintf(out + length, (size_t)(TEXT_BYTES - length), "%s", between);
        for (uint32_t i = 0; i < ring->count; i++) {
            length += snprintf(out + length, (size_t)(TEXT_BYTES - length), " %d,%d",
                               ring->points[i].x, ring->points[i].y);
        }
        between = " /";
    }
}

static void
check(const char *const *rows, int row_count, const char *const *expected, uint32_t region_count)
{
    Drawing drawing;
    draw(&drawing, rows, row_count);
    AUTO_REGIONS regions;
    regions_find(&drawing.map, &regions);
    assert_int_equal(regions.count, region_count);
    AUTO_RING_WALK walk;
    ring_walk_init(&walk, &regions);
    for (uint32_t i = 0; i < region_count; i++) {
        char found[TEXT_BYTES];
        describe(&walk, i, found);
        assert_string_equal(found, expected[i]);
    }
}

static void an_empty_map_has_no_regions(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"00", "00"};
    check(ROWS, 2, NULL, 0);
}

static void a_full_map_is_traced_along_its_border(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"333", "333"};
    static const char *const RINGS[] = {"3: 0,0 3,0 3,2 0,2"};
    check(ROWS, 2, RINGS, 1);
}

static void corners_alone_are_kept(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"0000", "0110", "0100", "0000"};
    static const char *const RINGS[] = {"1: 1,1 3,1 3,2 2,2 2,3 1,3"};
    check(ROWS, 4, RINGS, 1);
}

static void a_hole_runs_the_other_way_round(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"1111", "1021", "1111"};
    static const char *const RINGS[] = {"1: 0,0 4,0 4,3 0,3 / 3,1 1,1 1,2 3,2",
                                        "2: 2,1 3,1 3,2 2,2"};
    check(ROWS, 3, RINGS, 2);
}

static void pixels_that_touch_at_a_corner_are_two_regions(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"10", "01"};
    static const char *const RINGS[] = {"1: 0,0 1,0 1,1 0,1", "1: 1,1 2,1 2,2 1,2"};
    check(ROWS, 2, RINGS, 2);
}

/* The ring of ones meets itself at (2,2): inside is a hole, and no ring has a point twice. */
static void a_region_that_meets_itself_at_a_corner_has_a_hole(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"111", "101", "110"};
    static const char *const RINGS[] = {"1: 0,0 3,0 3,2 2,2 2,3 0,3 / 2,1 1,1 1,2 2,2"};
    check(ROWS, 3, RINGS, 1);
}

static void holes_that_touch_at_a_corner_are_two_rings(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"1111", "1011", "1101", "1111"};
    static const char *const RINGS[] = {"1: 0,0 4,0 4,4 0,4 / 2,1 1,1 1,2 2,2 / 3,2 2,2 2,3 3,3"};
    check(ROWS, 4, RINGS, 1);
}

static void arms_that_join_further_down_are_one_region(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"10101", "11101", "00111"};
    static const char *const RINGS[] = {"1: 0,0 1,0 1,1 2,1 2,0 3,0 3,2 4,2 4,0 5,0 5,3 2,3 2,2 "
                                        "0,2"};
    check(ROWS, 3, RINGS, 1);
}

static void an_island_in_a_hole_is_a_region_of_its_own(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"11111", "10001", "10101", "10001", "11111"};
    static const char *const RINGS[] = {"1: 0,0 5,0 5,5 0,5 / 4,1 1,1 1,4 4,4",
                                        "1: 2,2 3,2 3,3 2,3"};
    check(ROWS, 5, RINGS, 2);
}

/* Each pixel of a chequered map is a region; its neighbours at the corners are not followed. */
static void a_chequered_map_is_single_pixels(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"121", "212"};
    static const char *const RINGS[] = {"1: 0,0 1,0 1,1 0,1", "2: 1,0 2,0 2,1 1,1",
                                        "1: 2,0 3,0 3,1 2,1", "2: 0,1 1,1 1,2 0,2",
                                        "1: 1,1 2,1 2,2 1,2", "2: 2,1 3,1 3,2 2,2"};
    check(ROWS, 2, RINGS, 6);
}

static int64_t twice_signed_area(const Ring *ring)
{
    int64_t twice = 0;
    for (uint32_t i = 0; i < ring->count; i++) {
        RingPoint a = ring->points[i];
        RingPoint b = ring->points[(i + 1) % ring->count];
        twice += (int64_t)a.x * b.y - (int64_t)b.x * a.y;
    }
    return twice;
}

static void check_no_point_twice(const Ring *ring)
{
    for (uint32_t i = 0; i < ring->count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            assert_false(ring->points[i].x == ring->points[k].x &&
                         ring->points[i].y == ring->points[k].y);
        }
    }
}

static void check_map(const ClassMap *map)
{
    AUTO_REGIONS regions;
    regions_find(map, &regions);
    AUTO_RING_WALK walk;
    ring_walk_init(&walk, &regions);
    int64_t areas[4] = {0};
    for (uint32_t region = 0; region < regions.count; region++) {
        bool exterior = true;
        ring_walk_region(&walk, region);
        for (const Ring *ring = ring_walk_next(&walk); ring != NULL; ring = ring_walk_next(&walk)) {
            int64_t twice = twice_signed_area(ring);
            assert_true(exterior ? twice > 0 : twice < 0);
            check_no_point_twice(ring);
            areas[region_class(&regions, region)] += twice;
            exterior = false;
        }
    }
    for (int class = 1; class < 4; class ++) {
        int64_t pixels = 0;
        for (int i = 0; i < map->width_px * map->height_px; i++) {
            pixels += map->classes[i] == class;
        }
        assert_int_equal(areas[class], 2 * pixels);
    }
}

/* Noise has every meeting of pixels there is: a corner is a point of a ring at most once, and the
 * rings enclose what the map holds. */
static void rings_of_noise_are_simple_and_cover_the_map(void **state)
{
    (void)state;
    uint32_t random = 1;
    Drawing drawing;
    for (uint32_t round = 0; round < 500; round++) {
        for (int i = 0; i < DRAWING_SIDE_MAX * DRAWING_SIDE_MAX; i++) {
            random = random * 1664525 + 1013904223;
            drawing.classes[i] = (uint8_t)((random >> 24) % (round % 3 + 2));
        }
        drawing.map = (ClassMap){DRAWING_SIDE_MAX, DRAWING_SIDE_MAX, 1, 1, drawing.classes};
        check_map(&drawing.map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_no_regions),
        cmocka_unit_test(a_full_map_is_traced_along_its_border),
        cmocka_unit_test(corners_alone_are_kept),
        cmocka_unit_test(a_hole_runs_the_other_way_round),
        cmocka_unit_test(pixels_that_touch_at_a_corner_are_two_regions),
        cmocka_unit_test(a_region_that_meets_itself_at_a_corner_has_a_hole),
        cmocka_unit_test(holes_that_touch_at_a_corner_are_two_rings),
        cmocka_unit_test(arms_that_join_further_down_are_one_region),
        cmocka_unit_test(an_island_in_a_hole_is_a_region_of_its_own),
        cmocka_unit_test(a_chequered_map_is_single_pixels),
        cmocka_unit_test(rings_of_noise_are_simple_and_cover_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
