/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs that do not depend on each other, shared out to threads. A job writes only to places of its
 * own, so that the result is the same for any number of threads.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct ParallelJobs {
    uint32_t job_count;
    unsigned thread_count; /* 1 or more; thread 0 is the caller's */
    void *context;
    /* `thread` numbers the thread that runs the job, for its buffers. */
    bool (*run)(void *context, unsigned thread, uint32_t job, Error *error);
    /* Called on the caller's thread with the share of jobs done; may be NULL. */
    void (*progress)(void *context, double fraction);
} ParallelJobs;

/* How many threads there will be when `wished` are: one for each core for 0, ANALYSIS_THREADS_MAX
 * at most. */
unsigned parallel_thread_count(unsigned wished);

/* Runs all jobs; after a failure no new one is started, and the failed job of the lowest number
 * gives the error. */
MUST_CHECK bool parallel_run(const ParallelJobs *jobs, Error *error);
