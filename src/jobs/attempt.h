/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attempt: one straight line from a claimed item to its report. Stage the inputs, run the
 * application by the executor, store the outputs. Nothing of it touches the database, but before
 * the application starts it asks whether it may.
 */
#pragma once
#include <stdatomic.h>
#include <sys/types.h>

#include "jobs/job.h"
#include "jobs/stage.h"
#include "sandbox/executor.h"

/* Whether the attempt's application may start; blocks until that is known or `cancel` is set.
 * False: it could not be learnt. */
typedef bool AttemptMayStart(
    void *context, const Job *job, const atomic_bool *cancel, bool *may_start_out, Error *error);

typedef struct AttemptContext {
    StageContext stage;
    AttemptMayStart *may_start;
    void *may_start_context;
    Executor *executor;
    const char *scratch; /* the slot's own folder; an attempt makes and wipes one in it */
    uid_t sandbox_uid;   /* 0: the worker's own user */
} AttemptContext;

/* `cancel` stops it at once; then, and when it may not start, the outcome is JOB_NONE. The report
 * is initialised by the caller. The attempt's folder is gone afterwards. */
void attempt_process(const AttemptContext *context,
                     const Job *job,
                     const atomic_bool *cancel,
                     JobReport *report);
