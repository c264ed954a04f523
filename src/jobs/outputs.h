/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outputs: reads what an application says it made (SCRATCH/output/output.json), believes none of
 * it, and stores the files under keys that contain the attempt's id. The folder belongs to a
 * stranger: only regular files below it are opened, and no link is followed.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "jobs/job.h"
#include "objectstore/objectstore.h"

/* Every declared artifact exactly once, nothing undeclared; fills report->output_artifacts. The
' * error says what the application did wrong (ERROR_INVALID) or what failed on our side. `cancel`
 * (may be NULL) stops it in the middle of a file. */
MUST_CHECK bool outputs_store(ObjectStore *store,
                              const Job *job,
                              const char *scratch,
                              const atomic_bool *cancel,
                              JobReport *report,
                              Error *error);

/* "artifacts/<run>/<item>/<attempt>": where an attempt's objects lie. AUTO_FREE. */
char *outputs_prefix(const char *run_id, const char *item_id, const char *attempt_id);

/* What an application that ended with the exit code for user errors left in output/error.json:
 * sets code and message of the report; without a readable file a general message. */
void outputs_read_user_error(const char *scratch, JobReport *report);
