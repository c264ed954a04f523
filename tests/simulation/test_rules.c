/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the referee of the simulation can fail, and the platform's rule is the one that is written
 * down. Method: small worlds, played by the rule as it reads (rule_plain.c), right and wrong.
 */
#include "unit_test.h"

#include <inttypes.h>

#include "referee.h"
#include "rules.h"

static const WorldPlan SMALL = {
    .organization_count = 40,
    .giant_count = 2,
    .medium_count = 8,
    .worker_count = 20,
    .item_count = 16000,
    .arrival_us = 10 * DAY_US,
    .duration_us = 60 * MINUTE_US,
};

/* Plays a world by the plain rule; which promises were broken and checked, and what started. */
static uint64_t play_plain(const WorldPlan *plan, PlainFault fault, RefereeReport *report_out)
{
    World *world = world_create(plan);
    Rule rule = rule_plain_create(world, fault);
    Referee *referee = referee_create(world, true);
    world_play(world, &rule, referee);
    *report_out = *referee_report(referee);
    uint64_t trace = world->trace;
    referee_destroy(referee);
    rule_plain_destroy(&rule);
    world_destroy(world);
    return trace;
}

static uint64_t play_fair(const WorldPlan *plan)
{
    World *world = world_create(plan);
    Rule rule = rule_fair_create(world);
    Referee *referee = referee_create(world, true);
    world_play(world, &rule, referee);
    uint64_t trace = world->trace;
    referee_destroy(referee);
    rule_fair_destroy(&rule);
    world_destroy(world);
    return trace;
}

static void the_rule_as_it_reads_keeps_every_promise(void **state)
{
    (void)state;
    WorldPlan plan = SMALL;
    int64_t checks[PROMISE_COUNT] = {0};
    for (plan.seed = 1; plan.seed <= 3; plan.seed++) {
        RefereeReport report;
        play_plain(&plan, FAULT_NONE, &report);
        for (int promise = 0; promise < PROMISE_COUNT; promise++) {
            print_message("seed %" PRIu64 " %s: %" PRId64 " checks\n", plan.seed,
                          PROMISE_NAMES[promise], report.checks[promise]);
            checks[promise] += report.checks[promise];
            assert_int_equal(report.broken[promise], 0);
        }
    }
    /* In worlds as small as these few windows are long enough for an index. */
    for (int promise = 0; promise < PROMISE_COUNT; promise++) {
        assert_int_not_equal(checks[promise], 0);
    }
}

static void the_platform_starts_what_the_rule_as_it_reads_starts(void **state)
{
    (void)state;
    WorldPlan plan = SMALL;
    uint64_t last = 0;
    for (plan.seed = 11; plan.seed <= 16; plan.seed++) {
        RefereeReport ignored;
        uint64_t plain = play_plain(&plan, FAULT_NONE, &ignored);
        assert_int_equal(plain, play_fair(&plan));
        assert_int_not_equal(plain, last);
        last = plain;
    }
}

static void every_wrong_rule_is_seen(void **state)
{
    (void)state;
    static const Promise BROKEN[FAULT_COUNT] = {
        [FAULT_CREDIT_SAVED_UP] = PROMISE_SHARES,     [FAULT_LIMIT_OFF_BY_ONE] = PROMISE_LIMIT,
        [FAULT_DUE_DATES_IGNORED] = PROMISE_DUE,      [FAULT_WEIGHTS_IGNORED] = PROMISE_SHARES,
        [FAULT_OWN_FIRST] = PROMISE_ONE_BATCH,        [FAULT_RETRIED_TOO_SOON] = PROMISE_ONCE,
        [FAULT_NEWEST_ITEM_FIRST] = PROMISE_ORDINALS, [FAULT_STARTED_TWICE] = PROMISE_ONCE,
        [FAULT_RETRIES_FORGOTTEN] = PROMISE_ALL,      [FAULT_ONE_TURN_A_MOMENT] = PROMISE_BUSY,
    };
    WorldPlan plan = SMALL;
    plan.seed = 21;
    for (PlainFault fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        RefereeReport report;
        play_plain(&plan, fault, &report);
        print_message("%s:", FAULT_NAMES[fault]);
        for (int promise = 0; promise < PROMISE_COUNT; promise++) {
            print_message(" %s %" PRId64, PROMISE_NAMES[promise], report.broken[promise]);
        }
        print_message("\n");
        assert_int_not_equal(report.broken[BROKEN[fault]], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rule_as_it_reads_keeps_every_promise),
        cmocka_unit_test(the_platform_starts_what_the_rule_as_it_reads_starts),
        cmocka_unit_test(every_wrong_rule_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
