/* SPDX-License-Identifier: Apache-2.0 */
/* What a person reads. */
#include "unit_test.h"

#include "base/alloc.h"
#include "cli/print.h"

static void durations_have_two_units_at_most(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } CASES[] = {
        {-7, "0 s"},        {0, "0 s"},          {59, "59 s"},        {60, "1 min"},
        {3599, "59 min"},   {3600, "1 h 0 min"}, {7505, "2 h 5 min"}, {86399, "23 h 59 min"},
        {86400, "1 d 0 h"}, {273600, "3 d 4 h"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        AUTO_FREE char *text = duration_text(CASES[i].seconds);
        assert_string_equal(text, CASES[i].text);
    }
}

static void a_text_is_cut_between_characters(void **state)
{
    (void)state;
    AUTO_FREE char *text = alloc_string("äöü");
    shorten(text, 4);
    assert_string_equal(text, "äöü");
    shorten(text, 2);
    assert_string_equal(text, "äö");
    shorten(text, 0);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_two_units_at_most),
        cmocka_unit_test(a_text_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
