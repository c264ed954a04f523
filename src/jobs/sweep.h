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

/* The next piece of a walk, unless it rests. A walk passes over what the store fails at: the next
 * one sees it again. */
MUST_CHECK bool sweep_walk_objects(Sweep *sweep, Lead *lead, Error *error);
MUST_CHECK bool sweep_walk_artifacts(Sweep *sweep, Lead *lead, Error *error);
