/* SPDX-License-Identifier: Apache-2.0 */
/* Slices give back each value as it was written. */
#include "unit_test.h"

#include "base/text.h"
#include "json/slice.h"

static void assert_slice(Text slice, const char *expected)
{
    assert_non_null(slice.bytes);
    assert_true(text_is(slice, expected));
}

static void members_keep_their_text(void **state)
{
    (void)state;
    Text json =
        TEXT(" { \"a\" : 0.10 ,\"b\":{\"x\" : [1, \"]}\\\"\" ]}, \"c\":\"s\\\\\",\"d\":null }");
    assert_slice(slice_member(json, "a"), "0.10");
    assert_slice(slice_member(json, "b"), "{\"x\" : [1, \"]}\\\"\" ]}");
    assert_slice(slice_member(json, "c"), "\"s\\\\\"");
    assert_slice(slice_member(json, "d"), "null");
    assert_null(slice_member(json, "x").bytes);
    assert_null(slice_member(TEXT("{}"), "a").bytes);
}

static void elements_come_in_their_order(void **state)
{
    (void)state;
    Text rest = TEXT("[ 1, [2 ,3], {\"k\":[4]} ,\"five,\" ]");
    static const char *const EXPECTED[] = {"1", "[2 ,3]", "{\"k\":[4]}", "\"five,\""};
    for (size_t i = 0; i < 4; i++) {
        Text element;
        assert_true(slice_next_element(&rest, &element));
        assert_slice(element, EXPECTED[i]);
    }
    Text none;
    assert_false(slice_next_element(&rest, &none));
    Text empty = TEXT("[ ]");
    assert_false(slice_next_element(&empty, &none));
}

static void values_are_counted(void **state)
{
    (void)state;
    assert_int_equal(slice_value_count(TEXT("1")), 1);
    assert_int_equal(slice_value_count(TEXT("\"a,b[{\\\"\"")), 1);
    assert_int_equal(slice_value_count(TEXT("[1, 2, 3]")), 4);
    assert_int_equal(slice_value_count(TEXT("{\"a,\": [1, {\"b\": 2}], \"c\": \",\"}")), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_keep_their_text),
        cmocka_unit_test(elements_come_in_their_order),
        cmocka_unit_test(values_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
