/* SPDX-License-Identifier: Apache-2.0 */
/* What every reader's description must keep. */
#include "unit_test.h"

#include <math.h>
#include <string.h>

#include "slides/slide_reader.h"

static SlideInfo info_of(int64_t width_px, int64_t height_px, int32_t tile_px)
{
    return (SlideInfo){.level_count = 1, .levels = {{width_px, height_px, 0, tile_px, tile_px}}};
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    static const struct {
        int64_t width_px;
        int64_t height_px;
        int32_t tile_px;
        bool fits;
    } CASES[] = {
        {1, 1, 1, true},
        {SLIDE_SIDE_PX_MAX, 1000, 512, true},
        {SLIDE_SIDE_PX_MAX + 1, 1, 512, false},
        {1, SLIDE_SIDE_PX_MAX + 1, 512, false},
        {0, 1, 512, false},
        {1, -1, 512, false},
        {1, 1, 0, false},
        {8192, 8192, 1, true},
        {8192, 8193, 1, false}, /* tiles */
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        SlideInfo info = info_of(CASES[i].width_px, CASES[i].height_px, CASES[i].tile_px);
        Error error = {0};
        assert_int_equal(slide_info_check(&info, &error), CASES[i].fits);
        assert_int_equal(error.code, CASES[i].fits ? ERROR_NONE : ERROR_INVALID);
    }
}

static void a_coarser_copy_is_smaller_and_has_the_same_shape(void **state)
{
    (void)state;
    SlideInfo info = info_of(1000, 800, 256);
    static const struct {
        int64_t width_px;
        int64_t height_px;
        bool copy;
    } CASES[] = {{500, 400, true},  {501, 400, true},  {63, 50, true}, {1000, 800, false},
                 {999, 800, false}, {500, 300, false}, {1, 1, true},   {400, 500, false}};
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        SlideLevel level = {CASES[i].width_px, CASES[i].height_px, 0, 256, 256};
        assert_int_equal(slide_is_coarser_copy(&info, &level), CASES[i].copy);
    }
}

static void resolutions_beyond_belief_are_dropped(void **state)
{
    (void)state;
    assert_float_equal(slide_plausible_mpp(0.25), 0.25, 0);
    static const double BAD[] = {0, -1, 0.019, 101, NAN, INFINITY};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        assert_float_equal(slide_plausible_mpp(BAD[i]), 0, 0);
    }
}

static void oblong_pixels_have_no_resolution_but_their_sides(void **state)
{
    (void)state;
    static const struct {
        SlidePixel pixel;
        double mpp;
        bool oblong;
    } CASES[] = {{{0.5, 0.5}, 0.5, false}, {{0.5, 0.55}, 0.525, false}, {{0.5, 0.6}, 0, true},
                 {{0.6, 0.5}, 0, true},    {{0, 0}, 0, false},          {{0, 0.5}, 0, false},
                 {{-0.5, 1.5}, 0, false},  {{300, 300}, 0, false},      {{100, 300}, 0, false},
                 {{NAN, 0.5}, 0, false}};
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        SlideInfo info = {.mpp = 7};
        Error error = {.code = ERROR_NONE};
        slide_set_pixel(&info, CASES[i].pixel);
        assert_true(fabs(info.mpp - CASES[i].mpp) < 1e-12);
        assert_true(info.oblong.width_um == (CASES[i].oblong ? CASES[i].pixel.width_um : 0));
        assert_int_equal(slide_check_square(&info, &error), !CASES[i].oblong);
    }
}

static void properties_are_cut_and_printable(void **state)
{
    (void)state;
    SlideInfo info = info_of(1, 1, 1);
    slide_add_property(&info, "empty", TEXT(""));
    assert_int_equal(info.property_count, 0);
    slide_add_property(&info, "scanner", TEXT("a\x1b[31mb\n\xc3\xa9"));
    assert_string_equal(info.properties[0].value, "a?[31mb???");
    char text[2 * SLIDE_PROPERTY_BYTES];
    memset(text, 'x', sizeof text);
    slide_add_property(&info, "long", (Text){text, sizeof text});
    assert_int_equal(strlen(info.properties[1].value), SLIDE_PROPERTY_BYTES - 1);
    for (int i = 0; i < 2 * SLIDE_PROPERTIES_MAX; i++) {
        slide_add_property(&info, "more", TEXT("x"));
        slide_add_associated(&info, "other", 1, 1);
    }
    assert_int_equal(info.property_count, SLIDE_PROPERTIES_MAX);
    assert_int_equal(info.associated_count, SLIDE_ASSOCIATED_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_coarser_copy_is_smaller_and_has_the_same_shape),
        cmocka_unit_test(resolutions_beyond_belief_are_dropped),
        cmocka_unit_test(oblong_pixels_have_no_resolution_but_their_sides),
        cmocka_unit_test(properties_are_cut_and_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
