/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a rule; see referee.h. */
#include "referee.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "referee_parts.h"

const char *const PROMISE_NAMES[PROMISE_COUNT] = {
    [PROMISE_SHARES] = "shares",     [PROMISE_JAIN] = "jain", [PROMISE_ONE_BATCH] = "one_batch",
    [PROMISE_LIMIT] = "limit",       [PROMISE_BUSY] = "busy", [PROMISE_DUE] = "due",
    [PROMISE_ORDINALS] = "ordinals", [PROMISE_ONCE] = "once", [PROMISE_ALL] = "all",
};

struct Referee {
    const World *world;
    bool fair;
    Shares *shares;
    Singles *singles;
    RefereeReport report;
};

Referee *referee_create(const World *world, bool fair)
{
    Referee *referee = ALLOC_NEW(Referee);
    referee->world = world;
    referee->fair = fair;
    referee->shares = shares_create(world, &referee->report);
    referee->singles = singles_create(world, &referee->report);
    referee->report.jain_least = 1;
    referee->report.room_least = INFINITY;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        referee->report.waits_us[kind] =
            alloc_array((size_t)world->plan->item_count, sizeof(int64_t));
    }
    return referee;
}

void referee_destroy(Referee *referee)
{
    shares_destroy(referee->shares);
    singles_destroy(referee->singles);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        alloc_free(referee->report.waits_us[kind]);
    }
    alloc_free(referee);
}

void promise_check(RefereeReport *report, Promise promise, bool kept)
{
    report->checks[promise]++;
    report->broken[promise] += !kept;
}

static bool key_before(const FairRunKey *a, const FairRunKey *b)
{
    if (a->due_us != b->due_us) {
        return a->due_us < b->due_us;
    }
    return a->submitted_us != b->submitted_us ? a->submitted_us < b->submitted_us
                                              : strcmp(a->run_id.text, b->run_id.text) < 0;
}

/* No eligible run of the organisation stands before this one. */
static bool is_first_of_its_organization(const World *world, const WorldRun *run)
{
    const WorldOrganization *organization = &world->organizations[run->organization];
    for (int i = 0; i < organization->open_count; i++) {
        const WorldRun *other = &world->runs[organization->open_runs[i]];
        if (other->eligible && key_before(&other->key, &run->key)) {
            return false;
        }
    }
    return true;
}

/* Ordinals of the run's ready items in their order, up to `count`; returns how many. */
static int ready_ordinals(const World *world, const WorldRun *run, int count, int *ordinals)
{
    WorldRetry ready[WORLD_RETRIES_MAX];
    int found = 0;
    for (int i = 0; i < run->retry_count; i++) {
        const WorldRetry *retry = &run->retries[i];
        if (retry->ready_at_us > world->now_us) {
            continue;
        }
        int place = found++;
        while (place > 0 && (ready[place - 1].ready_at_us > retry->ready_at_us ||
                             (ready[place - 1].ready_at_us == retry->ready_at_us &&
                              ready[place - 1].ordinal > retry->ordinal))) {
            ready[place] = ready[place - 1];
            place--;
        }
        ready[place] = *retry;
    }
    int filled = 0;
    for (; filled < count && filled < found; filled++) {
        ordinals[filled] = ready[filled].ordinal;
    }
    for (int next = run->first_untried; filled < count && next < run->item_count; next++) {
        ordinals[filled++] = next;
    }
    return filled;
}

/* Each item of the pick waits, its time has come, and none stands there twice. */
static bool can_start(const World *world, const WorldRun *run, const Pick *pick)
{
    int untried = run->first_untried;
    for (int i = 0; i < pick->count; i++) {
        int ordinal = pick->ordinals[i];
        if (ordinal == untried && ordinal < run->item_count) {
            untried++;
            continue;
        }
        bool found = false;
        for (int n = 0; n < run->retry_count; n++) {
            found |=
                run->retries[n].ordinal == ordinal && run->retries[n].ready_at_us <= world->now_us;
        }
        for (int n = 0; n < i; n++) {
            found &= pick->ordinals[n] != ordinal;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

bool referee_sees_pick(Referee *referee, const Pick *pick)
{
    const World *world = referee->world;
    const WorldRun *run = &world->runs[pick->run];
    if (referee->fair) {
        int expected[FAIR_BATCH_MAX];
        int count = ready_ordinals(world, run, pick->count, expected);
        bool in_order = count == pick->count &&
                        memcmp(expected, pick->ordinals, (size_t)count * sizeof expected[0]) == 0;
        promise_check(&referee->report, PROMISE_ORDINALS, in_order);
        promise_check(&referee->report, PROMISE_LIMIT,
                      run->in_work + pick->count <= world->batch_limit);
        promise_check(&referee->report, PROMISE_DUE, is_first_of_its_organization(world, run));
    }
    bool possible = can_start(world, run, pick);
    promise_check(&referee->report, PROMISE_ONCE, possible);
    return possible;
}

void referee_sees_arrival(Referee *referee, int run)
{
    if (referee->fair) {
        singles_arrive(referee->singles, run);
    }
}

void referee_sees_start(Referee *referee, const Pick *pick)
{
    const World *world = referee->world;
    const WorldRun *run = &world->runs[pick->run];
    OrganizationKind kind = world->organizations[run->organization].kind;
    for (int i = 0; i < pick->count; i++) {
        if (world->items[run->first_item + pick->ordinals[i]].attempts == 1) {
            referee->report.waits_us[kind][referee->report.wait_count[kind]++] =
                world->now_us - run->key.submitted_us;
        }
    }
    if (referee->fair) {
        singles_start(referee->singles, pick->run);
        shares_start(referee->shares);
    }
}

void referee_sees_rest(Referee *referee)
{
    if (referee->fair && referee->world->idle_count > 0) {
        promise_check(&referee->report, PROMISE_BUSY, referee->world->eligible_count == 0);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

const RefereeReport *referee_report(Referee *referee)
{
    const World *world = referee->world;
    bool all = world->ended_count == world->plan->item_count;
    for (int i = 0; i < world->plan->item_count; i++) {
        all = all && world->items[i].state == ITEM_ENDED;
    }
    promise_check(&referee->report, PROMISE_ALL, all);
    shares_end(referee->shares);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        qsort(referee->report.waits_us[kind], (size_t)referee->report.wait_count[kind],
              sizeof(int64_t), by_value);
    }
    return &referee->report;
}
