/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reporter: tells the database how attempts ended, for all slots of a worker, over few
 * connections that it keeps. Results of attempts that succeeded go together: while those before
 * them are on their way to the disk the next ones gather, and then take one statement and one
 * commit. So a single one waits for nobody, and many that end at once cost little more than one.
 * Calls block; any thread may call.
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
/* Nobody may be in reporter_finish. */
void reporter_destroy(Reporter *reporter);

/* Tries once to commit the report. ERROR_UNAVAILABLE: the database is away, try again. */
MUST_CHECK bool reporter_finish(Reporter *reporter,
                                const Uuid *attempt_id,
                                const JobReport *report,
                                FinishResult *result_out,
                                Error *error);
