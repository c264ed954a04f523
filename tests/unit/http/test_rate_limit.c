/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets, with time held in the hand. */
#include "unit_test.h"

#include <stdio.h>

#include "base/clock.h"
#include "http/rate_limit.h"

enum { START_US = 1000 };

static RateLimiter *limiter;

static int make_limiter(void **state)
{
    (void)state;
    const RateRules rules = {.per_second = 10, .burst = 3};
    limiter = rate_limiter_create(&rules);
    return 0;
}

static int drop_limiter(void **state)
{
    (void)state;
    rate_limiter_destroy(limiter);
    return 0;
}

static void burst_passes_and_the_next_waits_for_its_token(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rate_limiter_take(limiter, "ada", START_US), 0);
    }
    assert_int_equal(rate_limiter_take(limiter, "ada", START_US), 100000);
    assert_int_equal(rate_limiter_take(limiter, "ada", START_US + 40000), 60000);
    assert_int_equal(rate_limiter_take(limiter, "ada", START_US + 100000), 0);
    assert_int_equal(rate_limiter_take(limiter, "ada", START_US + 100000), 100000);
}

static void callers_do_not_share_a_bucket(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        (void)rate_limiter_take(limiter, "ada", START_US);
    }
    assert_int_equal(rate_limiter_take(limiter, "bob", START_US), 0);
}

static void quiet_time_fills_the_bucket_but_not_beyond(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        (void)rate_limiter_take(limiter, "ada", START_US);
    }
    int64_t later_us = START_US + 3600 * MICROSECONDS_PER_SECOND;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rate_limiter_take(limiter, "ada", later_us), 0);
    }
    assert_int_equal(rate_limiter_take(limiter, "ada", later_us), 100000);
}

static void many_callers_do_not_undo_the_limit(void **state)
{
    (void)state;
    int refused = 0;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 1000; i++) {
            char name[16];
            snprintf(name, sizeof name, "user-%d", i);
            refused += rate_limiter_take(limiter, name, START_US) > 0 ? 1 : 0;
        }
    }
    assert_int_equal(refused, 1000);
}

static void zero_is_no_limit(void **state)
{
    (void)state;
    const RateRules rules = {.per_second = 0, .burst = 1};
    RateLimiter *open = rate_limiter_create(&rules);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rate_limiter_take(open, "ada", START_US), 0);
    }
    rate_limiter_destroy(open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(burst_passes_and_the_next_waits_for_its_token, make_limiter,
                                        drop_limiter),
        cmocka_unit_test_setup_teardown(callers_do_not_share_a_bucket, make_limiter, drop_limiter),
        cmocka_unit_test_setup_teardown(quiet_time_fills_the_bucket_but_not_beyond, make_limiter,
                                        drop_limiter),
        cmocka_unit_test_setup_teardown(many_callers_do_not_undo_the_limit, make_limiter,
                                        drop_limiter),
        cmocka_unit_test(zero_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
