/* SPDX-License-Identifier: Apache-2.0 */
/* Slices give back each value as it was written. */
#include "unit_test.h"

#include "base/attributes.h"
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

static void numbers_with_too_many_decimals_are_found(void **state)
{
    (void)state;
    static const char *const GOOD[] = {
        "0",
        "-12.50",
        "{\"a1e-99999\": \"1e-99999\", \"b\": [true, null, 1E+5, 1e-0005]}",
        "1e-16383",
        "1.5E-16382",
        "0.25e1000000000",
    };
    static const char *const BAD[] = {
        "1e-16384",
        "[\"a\", -1.5E-16383 ]",
        "{\"a\":0e-999999}",
        "{\"a\":[1,{\"b\":0e1000000001}]}",
        "1e-99999999999999999999999",
    };
    for (size_t i = 0; i < ARRAY_COUNT(GOOD); i++) {
        assert_true(slice_numbers_fit(text_of(GOOD[i])));
    }
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        assert_false(slice_numbers_fit(text_of(BAD[i])));
    }
    static char long_one[16384 + sizeof "0."];
    memset(long_one, '0', sizeof long_one - 1);
    long_one[1] = '.';
    assert_false(slice_numbers_fit(text_of(long_one)));
    assert_true(slice_numbers_fit((Text){long_one, sizeof long_one - 2}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_keep_their_text),
        cmocka_unit_test(elements_come_in_their_order),
        cmocka_unit_test(values_are_counted),
        cmocka_unit_test(numbers_with_too_many_decimals_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
