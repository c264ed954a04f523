/* SPDX-License-Identifier: Apache-2.0 */
/* Views of bytes: splitting, trimming, UTF-8. */
#include "unit_test.h"

#include "base/text.h"

static void splitting_walks_through_all_parts(void **state)
{
    (void)state;
    Text rest = TEXT("a//b");
    assert_true(text_is(text_split(&rest, '/'), "a"));
    assert_true(text_is(text_split(&rest, '/'), ""));
    assert_true(text_is(text_split(&rest, '/'), "b"));
    assert_null(rest.bytes);
}

static void utf8_is_checked_strictly(void **state)
{
    (void)state;
    assert_true(text_is_utf8(TEXT("Gewebe \xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\xac")));
    static const char *const BAD[] = {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xff",     "\xe2\x82",     "\x80"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(text_is_utf8(text_of(BAD[i])));
    }
}

static void copying_refuses_what_does_not_fit(void **state)
{
    (void)state;
    char out[4] = "zzz";
    assert_false(text_copy(TEXT("four"), out, sizeof out));
    assert_false(text_copy((Text){"a\0b", 3}, out, sizeof out));
    assert_string_equal(out, "zzz");
    assert_true(text_copy(TEXT("fou"), out, sizeof out));
    assert_string_equal(out, "fou");
}

static void trimming_takes_white_space_at_both_ends(void **state)
{
    (void)state;
    assert_true(text_is(text_trim(TEXT(" \t x y\r\n")), "x y"));
    assert_int_equal(text_trim(TEXT("  ")).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitting_walks_through_all_parts),
        cmocka_unit_test(utf8_is_checked_strictly),
        cmocka_unit_test(copying_refuses_what_does_not_fit),
        cmocka_unit_test(trimming_takes_white_space_at_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
