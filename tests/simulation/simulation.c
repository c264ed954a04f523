/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays months of a busy platform by its scheduling rule in seconds, checks every promise of
 * docs/scheduling.md, and plays the same again first come, first served. Prints its seed and
 * figures.
 *
 * usage: simulation [--short] [--seed NUMBER]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "referee.h"
#include "rules.h"

static const WorldPlan FULL = {
    .organization_count = 1000,
    .giant_count = 10,
    .medium_count = 190,
    .worker_count = 1000,
    .item_count = 1000000,
    .arrival_us = 20 * DAY_US,
    .duration_us = 60 * MINUTE_US,
};
static const WorldPlan SHORT = {
    .organization_count = 200,
    .giant_count = 5,
    .medium_count = 45,
    .worker_count = 100,
    .item_count = 100000,
    .arrival_us = 20 * DAY_US,
    .duration_us = 60 * MINUTE_US,
};

static const char *const KIND_NAMES[KIND_COUNT] = {
    [GIANT] = "giant", [MEDIUM] = "medium", [SINGLE] = "single"};

static void print_waits(const char *rule, const RefereeReport *report)
{
    static const double SHARES[] = {0.5, 0.9, 0.99, 1};
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        int64_t count = report->wait_count[kind];
        printf("%s_wait_%s_hours", rule, KIND_NAMES[kind]);
        for (size_t i = 0; i < ARRAY_COUNT(SHARES); i++) {
            int64_t place = (int64_t)(SHARES[i] * (double)(count - 1));
            printf(" p%g=%.3g", SHARES[i] * 100,
                   count == 0 ? 0 : (double)report->waits_us[kind][place] / (double)HOUR_US);
        }
        printf(" (%" PRId64 " items)\n", count);
    }
}

/* Whether every promise was checked and kept. */
static bool print_promises(const RefereeReport *report)
{
    bool good = true;
    for (int i = 0; i < PROMISE_COUNT; i++) {
        bool kept = report->checks[i] > 0 && report->broken[i] == 0;
        printf("promise_%s checked %" PRId64 " broken %" PRId64 "%s\n", PROMISE_NAMES[i],
               report->checks[i], report->broken[i], kept ? "" : " NOT KEPT");
        good = good && kept;
    }
    return good;
}

static void print_world(const World *world)
{
    printf("played_days %.1f runs %d items %d starts %" PRId64 " failed %d deaths %d\n",
           (double)world->now_us / (double)DAY_US, world->run_count, world->plan->item_count,
           world->started_count, world->failed_count, world->deaths);
}

static bool play_fair(const WorldPlan *plan, int64_t *single_p99_out)
{
    World *world = world_create(plan);
    Rule rule = rule_fair_create(world);
    Referee *referee = referee_create(world, true);
    clock_t begun = clock(); /* tidy: allow the time that the simulation itself takes */
    world_play(world, &rule, referee);
    const RefereeReport *report = referee_report(referee);
    print_world(world);
    printf("cpu_seconds %.2f\n",
           (double)(clock() - begun) / CLOCKS_PER_SEC); /* tidy: allow as above */
    printf("jain_least %.5f jain_mean %.5f room_least %.3f ahead_most %" PRId64 "\n",
           report->jain_least, report->jain_mean, report->room_least, report->ahead_most);
    print_waits("fair", report);
    bool good = print_promises(report);
    *single_p99_out =
        report->waits_us[SINGLE][(int64_t)(0.99 * (double)(report->wait_count[SINGLE] - 1))];
    referee_destroy(referee);
    rule_fair_destroy(&rule);
    world_destroy(world);
    return good;
}

static bool play_first_come(const WorldPlan *plan, int64_t *single_p99_out)
{
    World *world = world_create(plan);
    Rule rule = rule_first_come_create(world);
    Referee *referee = referee_create(world, false);
    world_play(world, &rule, referee);
    const RefereeReport *report = referee_report(referee);
    print_waits("first_come", report);
    bool good = report->broken[PROMISE_ONCE] == 0 && report->broken[PROMISE_ALL] == 0;
    *single_p99_out =
        report->waits_us[SINGLE][(int64_t)(0.99 * (double)(report->wait_count[SINGLE] - 1))];
    referee_destroy(referee);
    rule_first_come_destroy(&rule);
    world_destroy(world);
    return good;
}

int main(int count, char **arguments)
{
    WorldPlan plan = FULL;
    uint64_t seed = 1;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--short") == 0) {
            plan = SHORT;
        } else if (strcmp(arguments[i], "--seed") == 0 && i + 1 < count) {
            seed = strtoull(arguments[++i], NULL, 10);
        } else {
            fprintf(stderr, "usage: simulation [--short] [--seed NUMBER]\n");
            return 2;
        }
    }
    plan.seed = seed;
    printf("seed %" PRIu64 "\n", seed);
    int64_t fair_p99;
    int64_t first_come_p99;
    bool good = play_fair(&plan, &fair_p99);
    good = play_first_come(&plan, &first_come_p99) && good;
    /* An overloaded platform: who asks for one slide must not wait behind thousands. */
    bool quicker = fair_p99 * 10 < first_come_p99;
    printf("single_slides_p99 %s first come, first served\n",
           quicker ? "less than a tenth of" : "NOT less than a tenth of");
    return good && quicker ? 0 : 1;
}
