/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A turnover: the loop of a worker commits what its slots have done and fills those that are free
 * then, in one round trip. So items that end at the same time share a statement, a commit and the
 * claim after it, and a single one waits for nobody for longer than a moment.
 */
#pragma once
#include "base/clock.h"
#include "jobs/queue.h"
#include "jobs/slots.h"

typedef struct Turnover {
    const Clock *clock;
    Slots *slots;
    PGconn *connection; /* after queue_prepare */
    const WorkerIdentity *worker;
    int claim_max; /* how many items are wanted at most */
} Turnover;

typedef struct TurnoverOutcome {
    int committed_count;
    int claimed_count;
    bool left_over; /* items were claimed for which there is no slot: they are to be handed back */
} TurnoverOutcome;

/* Only the loop calls it. False: no items were claimed and the connection is of no more use; the
 * results that were not committed are reported by their slots. */
MUST_CHECK bool turnover_run(const Turnover *turnover, TurnoverOutcome *outcome_out, Error *error);

/* Without a database for the loop: leaves the results to their slots. */
void turnover_refuse(Slots *slots);
