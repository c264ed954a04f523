/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule by looking at everything each time, from the world's books: slow, short, and written
 * apart from jobs/fair_queue.c, which must pick the same. It can be made wrong.
 */
#include <string.h>

#include "base/alloc.h"

#include "rules.h"

const char *const FAULT_NAMES[FAULT_COUNT] = {
    [FAULT_NONE] = "none",
    [FAULT_CREDIT_SAVED_UP] = "credit saved up",
    [FAULT_LIMIT_OFF_BY_ONE] = "limit off by one",
    [FAULT_DUE_DATES_IGNORED] = "due dates ignored",
    [FAULT_WEIGHTS_IGNORED] = "weights ignored",
    [FAULT_OWN_FIRST] = "own first",
    [FAULT_RETRIED_TOO_SOON] = "retried too soon",
    [FAULT_NEWEST_ITEM_FIRST] = "newest item first",
    [FAULT_STARTED_TWICE] = "started twice",
    [FAULT_RETRIES_FORGOTTEN] = "retries forgotten",
    [FAULT_ONE_TURN_A_MOMENT] = "one turn a moment",
};

enum { TWICE_EVERY = 500 };

typedef struct Plain {
    World *world;
    PlainFault fault;
    int64_t *virtual_times; /* of the organisations */
    int64_t virtual_time;
    int last_organization;
    int64_t last_turn_us;
    int turn_count;
} Plain;

static void ignore_run(void *state, int run)
{
    (void)state;
    (void)run;
}

static void ignore_item(void *state, int run, int ordinal, int64_t ready_at_us)
{
    (void)state;
    (void)run;
    (void)ordinal;
    (void)ready_at_us;
}

static void ignore(void *state)
{
    (void)state;
}

static int limit_of(const Plain *plain)
{
    return plain->world->batch_limit + (plain->fault == FAULT_LIMIT_OFF_BY_ONE);
}

static bool retry_is_ready(const Plain *plain, const WorldRetry *retry)
{
    return plain->fault != FAULT_RETRIES_FORGOTTEN &&
           (plain->fault == FAULT_RETRIED_TOO_SOON || retry->ready_at_us <= plain->world->now_us);
}

static int ready_count(const Plain *plain, const WorldRun *run)
{
    int count = run->item_count - run->first_untried;
    for (int i = 0; i < run->retry_count; i++) {
        count += retry_is_ready(plain, &run->retries[i]);
    }
    return count;
}

static bool key_before(const Plain *plain, const FairRunKey *a, const FairRunKey *b)
{
    if (a->due_us != b->due_us && plain->fault != FAULT_DUE_DATES_IGNORED) {
        return a->due_us < b->due_us;
    }
    return a->submitted_us != b->submitted_us ? a->submitted_us < b->submitted_us
                                              : strcmp(a->run_id.text, b->run_id.text) < 0;
}

/* The first eligible run of the organisation; -1: none. */
static int first_run(const Plain *plain, const WorldOrganization *organization)
{
    const WorldRun *runs = plain->world->runs;
    int first = -1;
    for (int i = 0; i < organization->open_count; i++) {
        int number = organization->open_runs[i];
        if (runs[number].in_work < limit_of(plain) && ready_count(plain, &runs[number]) > 0 &&
            (first < 0 || key_before(plain, &runs[number].key, &runs[first].key))) {
            first = number;
        }
    }
    return first;
}

static int64_t entry_time(const Plain *plain, int organization)
{
    int64_t own = plain->virtual_times[organization];
    return own < plain->virtual_time && plain->fault != FAULT_CREDIT_SAVED_UP ? plain->virtual_time
                                                                              : own;
}

/* Of equals the one that its last turn left behind farther, then by the id. */
static bool organization_before(const Plain *plain, int a, int b)
{
    if (entry_time(plain, a) != entry_time(plain, b)) {
        return entry_time(plain, a) < entry_time(plain, b);
    }
    return plain->virtual_times[a] != plain->virtual_times[b]
               ? plain->virtual_times[a] < plain->virtual_times[b]
               : strcmp(plain->world->organizations[a].id, plain->world->organizations[b].id) < 0;
}

/* The run of the next turn; -1: none is eligible. */
static int next_run(const Plain *plain)
{
    const WorldOrganization *organizations = plain->world->organizations;
    if (plain->fault == FAULT_OWN_FIRST && plain->last_organization >= 0) {
        int run = first_run(plain, &organizations[plain->last_organization]);
        if (run >= 0) {
            return run;
        }
    }
    int best = -1;
    int best_run = -1;
    for (int i = 0; i < plain->world->plan->organization_count; i++) {
        bool earlier = best < 0 || organization_before(plain, i, best);
        int run = earlier ? first_run(plain, &organizations[i]) : -1;
        if (run >= 0) {
            best = i;
            best_run = run;
        }
    }
    return best_run;
}

/* The place in retries of the next one to take; -1: none is ready, or it was taken already. */
static int next_retry(const Plain *plain, const WorldRun *run, const bool *taken)
{
    int first = -1;
    for (int i = 0; i < run->retry_count; i++) {
        const WorldRetry *retry = &run->retries[i];
        const WorldRetry *best = &run->retries[first < 0 ? 0 : first];
        if (!taken[i] && retry_is_ready(plain, retry) &&
            (first < 0 || retry->ready_at_us < best->ready_at_us ||
             (retry->ready_at_us == best->ready_at_us && retry->ordinal < best->ordinal))) {
            first = i;
        }
    }
    return first;
}

static void pick_items(const Plain *plain, const WorldRun *run, Pick *pick)
{
    bool taken[WORLD_RETRIES_MAX] = {false};
    int untried = run->first_untried;
    for (int i = 0; i < pick->count; i++) {
        int retry = next_retry(plain, run, taken);
        if (retry >= 0) {
            taken[retry] = true;
            pick->ordinals[i] = run->retries[retry].ordinal;
        } else {
            pick->ordinals[i] = untried++;
        }
    }
    if (plain->fault == FAULT_NEWEST_ITEM_FIRST) {
        pick->count = 1;
        pick->ordinals[0] = run->item_count - 1;
    }
    if (plain->fault == FAULT_STARTED_TWICE && plain->turn_count % TWICE_EVERY == 0 &&
        run->first_untried > 0) {
        pick->ordinals[pick->count - 1] = run->first_untried - 1;
    }
}

static bool turn(void *state, int wanted, Pick *pick_out)
{
    Plain *plain = state;
    World *world = plain->world;
    if (plain->fault == FAULT_ONE_TURN_A_MOMENT && plain->last_turn_us == world->now_us) {
        return false;
    }
    int number = next_run(plain);
    if (number < 0) {
        return false;
    }
    const WorldRun *run = &world->runs[number];
    int free_places = limit_of(plain) - run->in_work;
    int ready = ready_count(plain, run);
    int count = wanted < free_places ? wanted : free_places;
    *pick_out = (Pick){.run = number, .count = count < ready ? count : ready};
    pick_items(plain, run, pick_out);
    int64_t at = entry_time(plain, run->organization);
    int weight =
        plain->fault == FAULT_WEIGHTS_IGNORED ? 1 : world->organizations[run->organization].weight;
    plain->virtual_times[run->organization] = at + pick_out->count * INT64_C(1000000) / weight;
    plain->virtual_time = at > plain->virtual_time ? at : plain->virtual_time;
    plain->last_organization = run->organization;
    plain->last_turn_us = world->now_us;
    plain->turn_count++;
    return true;
}

Rule rule_plain_create(World *world, PlainFault fault)
{
    Plain *plain = ALLOC_NEW(Plain);
    *plain = (Plain){.world = world, .fault = fault, .last_organization = -1, .last_turn_us = -1};
    plain->virtual_times =
        alloc_zeroed((size_t)world->plan->organization_count, sizeof *plain->virtual_times);
    return (Rule){.state = plain,
                  .run_arrived = ignore_run,
                  .item_waits = ignore_item,
                  .item_left = ignore_run,
                  .run_ended = ignore_run,
                  .time_passed = ignore,
                  .limit_changed = ignore,
                  .turn = turn};
}

void rule_plain_destroy(Rule *rule)
{
    Plain *plain = rule->state;
    alloc_free(plain->virtual_times);
    alloc_free(plain);
}
