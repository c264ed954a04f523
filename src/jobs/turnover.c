/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop of a worker says to the queue at once; see turnover.h. */
#include "jobs/turnover.h"

#include "base/metrics.h"

/* Slots end within this of each other when they do so together; beside the disk's time it is
 * little, and nothing beside an item's. */
enum { GATHER_US = 300 };

static void wait_for_more_results(const Turnover *turnover)
{
    SlotCounts counts = slots_count(turnover->slots);
    if (counts.reporting > 0 && counts.working > 0) {
        clock_sleep_us(turnover->clock, GATHER_US);
    }
}

/* Ids for the slots that will be free when all results are committed. */
static AttemptIds make_ids(const Turnover *turnover, int success_count)
{
    int slot_count = (int)slots_count(turnover->slots).free + success_count;
    AttemptIds ids = {.count = slot_count < turnover->claim_max ? slot_count : turnover->claim_max};
    for (int i = 0; i < ids.count; i++) {
        ids.ids[i] = uuid_create(turnover->clock);
    }
    return ids;
}

static void count_claim(bool claimed, int item_count, int64_t duration_us)
{
    metric_observe(METRIC_CLAIM_SECONDS, 0, duration_us);
    metric_add(METRIC_CLAIMS,
               !claimed         ? RESULT_FAILED
               : item_count > 0 ? RESULT_ITEMS
                                : RESULT_NONE,
               1);
    metric_add(METRIC_CLAIMED_ITEMS, 0, item_count);
}

/* A result that was refused still has its slot, so there may be a job too many. */
static void hand_out(Slots *slots, QueueTurnover *asked, TurnoverOutcome *outcome)
{
    for (int i = 0; i < asked->job_count; i++) {
        if (!slots_assign(slots, &asked->jobs[i])) {
            job_clear(&asked->jobs[i]);
            outcome->left_over = true;
        }
    }
}

bool turnover_run(const Turnover *turnover, TurnoverOutcome *outcome_out, Error *error)
{
    wait_for_more_results(turnover);
    Success *successes[SLOTS_MAX];
    Job jobs[SLOTS_MAX];
    int success_count = slots_gather(turnover->slots, successes);
    AttemptIds ids = make_ids(turnover, success_count);
    QueueTurnover asked = {
        .successes = successes, .success_count = success_count, .attempt_ids = &ids, .jobs = jobs};
    TurnoverOutcome outcome = {.committed_count = 0};
    if (success_count == 0 && ids.count == 0) {
        *outcome_out = outcome;
        return true;
    }
    int64_t asked_at_us = clock_monotonic_us(turnover->clock);
    bool done = queue_turnover(turnover->connection, turnover->worker, &asked, error);
    if (ids.count > 0) {
        count_claim(done, asked.job_count, clock_monotonic_us(turnover->clock) - asked_at_us);
    }
    for (int i = 0; i < success_count; i++) {
        outcome.committed_count += successes[i]->committed ? 1 : 0;
    }
    slots_settle(turnover->slots);
    if (!done) {
        return false;
    }
    outcome.claimed_count = asked.job_count;
    hand_out(turnover->slots, &asked, &outcome);
    *outcome_out = outcome;
    return true;
}

void turnover_refuse(Slots *slots)
{
    Success *ignored[SLOTS_MAX];
    slots_gather(slots, ignored);
    slots_settle(slots);
}
