/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop of a worker says to the queue at once; see exchange.h. */
#include "jobs/exchange.h"

#include "base/metrics.h"

/* Slots end within this of each other when they do so together; beside the disk's time it is
 * little, and nothing beside an item's. */
enum { GATHER_US = 300 };

static void wait_for_more_results(const Exchange *exchange)
{
    SlotCounts counts = slots_count(exchange->slots);
    if (counts.reporting > 0 && counts.working > 0) {
        clock_sleep_us(exchange->clock, GATHER_US);
    }
}

/* Ids for the slots that will be free when all results are committed. */
static AttemptIds make_ids(const Exchange *exchange, int success_count)
{
    int slot_count = (int)slots_count(exchange->slots).free + success_count;
    AttemptIds ids = {.count = slot_count < exchange->claim_max ? slot_count : exchange->claim_max};
    for (int i = 0; i < ids.count; i++) {
        ids.ids[i] = uuid_create(exchange->clock);
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
static void hand_out(Slots *slots, QueueExchange *exchanged, ExchangeOutcome *outcome)
{
    for (int i = 0; i < exchanged->job_count; i++) {
        if (!slots_assign(slots, &exchanged->jobs[i])) {
            job_clear(&exchanged->jobs[i]);
            outcome->left_over = true;
        }
    }
}

bool exchange_run(const Exchange *exchange, ExchangeOutcome *outcome_out, Error *error)
{
    wait_for_more_results(exchange);
    Success *successes[SLOTS_MAX];
    Job jobs[SLOTS_MAX];
    int success_count = slots_gather(exchange->slots, successes);
    AttemptIds ids = make_ids(exchange, success_count);
    QueueExchange exchanged = {
        .successes = successes, .success_count = success_count, .attempt_ids = &ids, .jobs = jobs};
    ExchangeOutcome outcome = {.committed_count = 0};
    if (success_count == 0 && ids.count == 0) {
        *outcome_out = outcome;
        return true;
    }
    int64_t asked_at_us = clock_monotonic_us(exchange->clock);
    bool done = queue_exchange(exchange->connection, exchange->worker, &exchanged, error);
    if (ids.count > 0) {
        count_claim(done, exchanged.job_count, clock_monotonic_us(exchange->clock) - asked_at_us);
    }
    for (int i = 0; i < success_count; i++) {
        outcome.committed_count += successes[i]->committed ? 1 : 0;
    }
    slots_settle(exchange->slots);
    if (!done) {
        return false;
    }
    outcome.claimed_count = exchanged.job_count;
    hand_out(exchange->slots, &exchanged, &outcome);
    *outcome_out = outcome;
    return true;
}

void exchange_refuse(Slots *slots)
{
    Success *ignored[SLOTS_MAX];
    slots_gather(slots, ignored);
    slots_settle(slots);
}
