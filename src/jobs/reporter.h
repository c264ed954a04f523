/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reporter: what slots say to the database by themselves, over few connections that they share
 * and that it keeps between two reports. Calls block; any thread may call. Results of attempts that
 * succeeded go over the worker's loop instead, together (see turnover.h), and come here only when
 * that failed.
 */
#pragma once
#include "base/clock.h"
#include "db/connection.h"
#include "jobs/queue.h"

typedef struct ReporterOptions {
    const Clock *clock;
    ConnectionProfile database;
    unsigned attempts_max;
} ReporterOptions;

typedef struct Reporter Reporter;

Reporter *reporter_create(const ReporterOptions *options);
/* No call may be under way. */
void reporter_destroy(Reporter *reporter);

/* Tries once to commit the report. ERROR_UNAVAILABLE: the database is away, try again. */
MUST_CHECK bool reporter_finish(Reporter *reporter,
                                const Uuid *attempt_id,
                                const JobReport *report,
                                FinishResult *result_out,
                                Error *error);
/* Tries once to learn whether the attempt may start its application; see queue_confirm. */
MUST_CHECK bool
reporter_confirm(Reporter *reporter, const Uuid *attempt_id, bool *running_out, Error *error);
