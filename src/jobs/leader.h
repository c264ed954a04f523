/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leader: a thread of each worker with a connection of its own, which waits for the lead (see
 * lead.h) and then does the duties: leases, deadlines, retention, sweeping. Each round of a duty is
 * bounded, so that the quick ones are done every second.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "db/connection.h"
#include "objectstore/objectstore.h"

typedef struct LeaderOptions {
    const Clock *clock;
    ConnectionProfile database;
    const char *worker_name;
    ObjectStore *store;
    unsigned attempts_max;
    unsigned batch_size; /* items of one run in work at once, when nobody else wants the place */
    unsigned retention_days; /* how long artifacts are kept after the end of their run */
    unsigned upload_days;    /* how long objects of upload buckets are kept; 0: for ever */
    unsigned sweep_seconds;  /* between two walks over all objects */
} LeaderOptions;

typedef struct Leader Leader;

MUST_CHECK bool leader_start(const LeaderOptions *options, Leader **leader_out, Error *error);
/* Asks the thread to end, and does not wait. */
void leader_let_go(Leader *leader);
/* Ends the thread, and with its connection the lead: a duty that has begun is waited for. */
void leader_stop(Leader *leader);
