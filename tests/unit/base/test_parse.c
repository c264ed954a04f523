/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and timestamps: the accepted forms, and each refused one. */
#include "unit_test.h"

#include "base/clock.h"
#include "base/parse.h"

static void integers_within_bounds_are_read(void **state)
{
    (void)state;
    int64_t value = 7;
    assert_true(parse_int64(TEXT("-12"), -20, 20, &value));
    assert_int_equal(value, -12);
    static const char *const BAD[] = {
        "", "-", "21", "1x", " 1", "1 ", "+1", "0x1", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(parse_int64(text_of(BAD[i]), -20, 20, &value));
    }
    assert_int_equal(value, -12);
}

static void timestamps_become_utc(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t at_us;
    } GOOD[] = {{"1970-01-01T00:00:00Z", 0},
                {"1970-01-01T01:00:00.5+01:00", 500000},
                {"2026-11-24T04:08:00.123456Z", 1795493280123456},
                {"2024-02-29T00:00:00-00:30", 1709166600000000}};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        int64_t at_us = -1;
        assert_true(parse_timestamp(text_of(GOOD[i].text), &at_us));
        assert_int_equal(at_us, GOOD[i].at_us);
    }
    static const char *const BAD[] = {"",
                                      "2026-02-30T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-01-01",
                                      "2026-01-01T00:00:00",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00Zx"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        int64_t at_us = 0;
        assert_false(parse_timestamp(text_of(BAD[i]), &at_us));
    }
}

static void a_formatted_timestamp_reads_back(void **state)
{
    (void)state;
    char text[TIMESTAMP_BYTES];
    timestamp_format(1795493280123456, text);
    assert_string_equal(text, "2026-11-24T04:08:00.123456Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_within_bounds_are_read),
        cmocka_unit_test(timestamps_become_utc),
        cmocka_unit_test(a_formatted_timestamp_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
