/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of durations, as Python writes a timedelta. */
#include "unit_test.h"

#include "base/clock.h"
#include "runs/duration.h"

static void durations_read_as_clients_know_them(void **state)
{
    (void)state;
    static const struct {
        int64_t duration_us;
        const char *text;
    } CASES[] = {
        {86400 * MICROSECONDS_PER_SECOND, "1 day, 0:00:00"},
        {86397447668, "23:59:57.447668"},
        {0, "0:00:00"},
        {-5, "0:00:00"},
        {1, "0:00:00.000001"},
        {59 * MICROSECONDS_PER_SECOND, "0:00:59"},
        {3661 * MICROSECONDS_PER_SECOND, "1:01:01"},
        {(2 * 86400 + 3 * 3600 + 4 * 60 + 5) * MICROSECONDS_PER_SECOND + 6,
         "2 days, 3:04:05.000006"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[DURATION_BYTES];
        duration_format(CASES[i].duration_us, text);
        assert_string_equal(text, CASES[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_read_as_clients_know_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
