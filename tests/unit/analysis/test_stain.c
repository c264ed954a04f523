/* SPDX-License-Identifier: Apache-2.0 */
/* Separation against densities worked out by hand, and estimates from mixtures that are known. */
#include "unit_test.h"

#include <math.h>

#include "analysis/stain.h"

#define assert_near(value, expected, within) assert_true(fabs((value) - (expected)) <= (within))

/* With a white of 200 an intensity of 20 has density 1 and one of 2 density 2. */
static const StainBasis BASIS = {{0.6, 0.8, 0.0}, {0.0, 1.0, 0.0}, {200, 200, 200}};

static void density_follows_beer_and_lambert(void **state)
{
    (void)state;
    assert_near(stain_density(20, 200), 1, 1e-12);
    assert_near(stain_density(200, 200), 0, 1e-12);
    assert_near(stain_density(0, 100), 2, 1e-12);
}

/* Densities (1, 2, 0) = h (0.6, 0.8, 0) + e (0, 1, 0) give h = 5/3 and e = 2 - 4/3. */
static void a_mixture_is_separated_into_its_amounts(void **state)
{
    (void)state;
    StainTable table;
    stain_table_init(&table, &BASIS);
    const uint8_t mixed[3] = {20, 2, 200};
    assert_int_equal(stain_haematoxylin(&table, mixed), 1667);
    assert_int_equal(stain_eosin(&table, mixed), 667);
    const uint8_t eosin[3] = {200, 20, 200};
    assert_int_equal(stain_haematoxylin(&table, eosin), 0);
    assert_int_equal(stain_eosin(&table, eosin), 1000);
    const uint8_t white[3] = {200, 200, 200};
    assert_int_equal(stain_haematoxylin(&table, white), 0);
    assert_int_equal(stain_eosin(&table, white), 0);
}

static void what_absorbs_less_than_nothing_counts_as_nothing(void **state)
{
    (void)state;
    StainTable table;
    stain_table_init(&table, &BASIS);
    const uint8_t red_only[3] = {20, 200, 200};
    assert_int_equal(stain_haematoxylin(&table, red_only), 1667);
    assert_int_equal(stain_eosin(&table, red_only), 0);
}

enum { MIXTURES = 4000 };

/* Pixels whose share of haematoxylin runs from 0 to 1 and whose total from 0.5 to 1.5. */
static void mix(const double haematoxylin[3], const double eosin[3], uint8_t *rgb_out)
{
    for (int i = 0; i < MIXTURES; i++) {
        double share = (i % 101) / 100.0;
        double total = 0.5 + (i % 37) / 36.0;
        for (int c = 0; c < 3; c++) {
            double density = total * (share * haematoxylin[c] + (1 - share) * eosin[c]);
            rgb_out[i * 3 + c] = (uint8_t)lround(240 * pow(10, -density));
        }
    }
}

static double degrees_between(const double a[3], const double b[3])
{
    double product = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    double lengths =
        sqrt((a[0] * a[0] + a[1] * a[1] + a[2] * a[2]) * (b[0] * b[0] + b[1] * b[1] + b[2] * b[2]));
    return acos(fmin(1, product / lengths)) * 180 / M_PI;
}

static void the_vectors_of_a_slide_are_found_from_its_pixels(void **state)
{
    (void)state;
    const double haematoxylin[3] = {0.56, 0.72, 0.41};
    const double eosin[3] = {0.22, 0.80, 0.56};
    static uint8_t rgb[MIXTURES * 3];
    mix(haematoxylin, eosin, rgb);
    StainBasis basis = {.white = {240, 240, 240}};
    assert_true(stain_estimate(&basis, rgb, MIXTURES));
    assert_true(degrees_between(basis.haematoxylin, haematoxylin) < 2);
    assert_true(degrees_between(basis.eosin, eosin) < 2);
}

static void other_stains_leave_the_vectors_of_the_paper(void **state)
{
    (void)state;
    const double brown[3] = {0.27, 0.57, 0.78};
    const double blue[3] = {0.90, 0.40, 0.15};
    static uint8_t rgb[MIXTURES * 3];
    mix(blue, brown, rgb);
    StainBasis basis = {.white = {240, 240, 240}};
    assert_false(stain_estimate(&basis, rgb, MIXTURES));
    assert_true(degrees_between(basis.haematoxylin, STAIN_HAEMATOXYLIN) < 1e-5);
    assert_true(degrees_between(basis.eosin, STAIN_EOSIN) < 1e-5);
}

static void too_few_pixels_leave_the_vectors_of_the_paper(void **state)
{
    (void)state;
    static uint8_t rgb[MIXTURES * 3];
    mix(STAIN_HAEMATOXYLIN, STAIN_EOSIN, rgb);
    StainBasis basis = {.white = {240, 240, 240}};
    assert_false(stain_estimate(&basis, rgb, 100));
    assert_false(stain_estimate(&basis, rgb, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(density_follows_beer_and_lambert),
        cmocka_unit_test(a_mixture_is_separated_into_its_amounts),
        cmocka_unit_test(what_absorbs_less_than_nothing_counts_as_nothing),
        cmocka_unit_test(the_vectors_of_a_slide_are_found_from_its_pixels),
        cmocka_unit_test(other_stains_leave_the_vectors_of_the_paper),
        cmocka_unit_test(too_few_pixels_leave_the_vectors_of_the_paper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
