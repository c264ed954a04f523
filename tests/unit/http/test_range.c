/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of bytes, with the examples of RFC 9110, 14.1.2. */
#include "unit_test.h"

#include "http/range.h"

static void assert_range(const char *header, int64_t size, RangeKind kind, ByteRange expected)
{
    ByteRange range;
    assert_int_equal(range_parse(text_of(header), size, &range), kind);
    assert_int_equal(range.first, expected.first);
    assert_int_equal(range.length, expected.length);
}

static void parts_are_found(void **state)
{
    (void)state;
    assert_range("bytes=0-499", 10000, RANGE_PART, (ByteRange){0, 500});
    assert_range("bytes=500-999", 10000, RANGE_PART, (ByteRange){500, 500});
    assert_range("bytes=-500", 10000, RANGE_PART, (ByteRange){9500, 500});
    assert_range("bytes=9500-", 10000, RANGE_PART, (ByteRange){9500, 500});
    assert_range("bytes=9999-20000", 10000, RANGE_PART, (ByteRange){9999, 1});
    assert_range("bytes=-20000", 10000, RANGE_PART, (ByteRange){0, 10000});
    assert_range("bytes=0-0", 1, RANGE_PART, (ByteRange){0, 1});
}

static void parts_past_the_end_cannot_be_given(void **state)
{
    (void)state;
    assert_range("bytes=10000-", 10000, RANGE_UNSATISFIABLE, (ByteRange){0, 10000});
    assert_range("bytes=10000-10001", 10000, RANGE_UNSATISFIABLE, (ByteRange){0, 10000});
    assert_range("bytes=-0", 10000, RANGE_UNSATISFIABLE, (ByteRange){0, 10000});
    assert_range("bytes=0-", 0, RANGE_UNSATISFIABLE, (ByteRange){0, 0});
    assert_range("bytes=-5", 0, RANGE_UNSATISFIABLE, (ByteRange){0, 0});
}

static void what_is_no_single_range_is_ignored(void **state)
{
    (void)state;
    static const char *const OTHERS[] = {"",
                                         "bytes",
                                         "bytes=",
                                         "bytes=-",
                                         "bytes=5",
                                         "bytes=5-4",
                                         "bytes=a-b",
                                         "bytes=1-2,4-5",
                                         "items=0-1",
                                         "bytes=--5",
                                         "bytes=-1-2",
                                         "bytes=0x1-10",
                                         "bytes=1-99999999999999999999"};
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        assert_range(OTHERS[i], 10000, RANGE_WHOLE, (ByteRange){0, 10000});
    }
    assert_range(NULL, 7, RANGE_WHOLE, (ByteRange){0, 7});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(parts_past_the_end_cannot_be_given),
        cmocka_unit_test(what_is_no_single_range_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
