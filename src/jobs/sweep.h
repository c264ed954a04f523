/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweep: two walks that go on a piece a round and begin anew after a pause. One over the
 * objects of all attempts: what no row knows and no running attempt may be writing is removed. One
 * over the rows of available artifacts: whose object is missing is marked and told to the operator.
 */
#pragma once
#include "jobs/lead.h"
#include "jobs/leader.h"

typedef struct Sweep Sweep;

Sweep *sweep_create(const LeaderOptions *options);
void sweep_destroy(Sweep *sweep);

/* The next piece of each walk that is not resting. */
MUST_CHECK bool sweep_go_on(Sweep *sweep, Lead *lead, Error *error);
