/* SPDX-License-Identifier: Apache-2.0 */
/* The two parts of the referee that remember what has been served. */
#pragma once
#include "referee.h"

void promise_check(RefereeReport *report, Promise promise, bool kept);

/*
 * Shares: over any time in which two organisations f and g had something eligible all along, their
 * services in items differ by |Wf/wf - Wg/wg| <= lf/wf + lg/wg, where l is the largest batch
 * (theorem 1 of the paper named in jobs/fair_queue.h). Looked at over windows of eight lengths.
 */
typedef struct Shares Shares;
Shares *shares_create(const World *world, RefereeReport *report);
void shares_destroy(Shares *shares);
void shares_start(Shares *shares);
void shares_end(Shares *shares);

/*
 * Singles: while the only slide of an organisation waits, each other one starts at most one batch.
 * One that was served so short a time ago that nobody else's turn has passed since then waits until
 * the others have caught up with it.
 */
typedef struct Singles Singles;
Singles *singles_create(const World *world, RefereeReport *report);
void singles_destroy(Singles *singles);
void singles_arrive(Singles *singles, int run);
void singles_start(Singles *singles, int run);
