/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker: one loop that keeps the lease alive, claims items while slots are free and stops
 * cancelled ones; the slots do the work, and a thread of its own leads when it is this worker's
 * turn. A notification only wakes the loop: it asks at least once a second anyway.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "jobs/labels.h"
#include "jobs/slots.h"

/* What the worker tells other threads about itself. */
typedef struct WorkerHealth {
    atomic_int_fast64_t lease_until_us; /* by the monotonic clock; 0: it has none */
} WorkerHealth;

/* Whether it has a lease: its loop turns, and the database answers it. */
bool worker_is_well(const WorkerHealth *health, const Clock *clock);

typedef struct WorkerOptions {
    const Clock *clock;
    ConnectionProfile database;
    const char *name;
    unsigned lease_seconds;
    unsigned attempts_max;
    unsigned batch_size;
    unsigned drain_seconds; /* how long running items may go on after a stop was asked for */
    unsigned slot_count;
    WorkerLabels labels;
    unsigned retention_days; /* see leader.h */
    unsigned upload_days;    /* see leader.h */
    unsigned sweep_seconds;
    int stop_fd; /* readable when the worker shall leave, e.g. a signalfd */
    AttemptContext attempt;
    const char *scratch_folder;
    WorkerHealth *health; /* where to tell it */
} WorkerOptions;

/* Works until stop_fd becomes readable and the running items are finished or handed back. */
MUST_CHECK bool worker_run(const WorkerOptions *options, Error *error);
