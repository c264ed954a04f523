/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs and their reports; see job.h. */
#include "jobs/job.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

/* The list of up to ARTIFACTS_PER_ITEM_MAX artifacts with their metadata. */
enum { OUTPUT_ARTIFACTS_BYTES_MAX = 4 * 1024 * 1024 };

static const char *const OUTCOME_NAMES[JOB_OUTCOME_COUNT] = {
    [JOB_NONE] = "NONE",
    [JOB_SUCCEEDED] = "SUCCEEDED",
    [JOB_USER_ERROR] = "USER_ERROR",
    [JOB_SYSTEM_ERROR] = "SYSTEM_ERROR",
    [JOB_RETRY] = "RETRY",
    [JOB_HANDED_BACK] = "HANDED_BACK",
};

void job_clear(Job *job)
{
    alloc_free(job->external_id);
    alloc_free(job->folder);
    manifest_clear(&job->manifest);
    json_decref(job->input_artifacts);
    *job = (Job){.external_id = NULL};
}

const char *job_outcome_name(JobOutcome outcome)
{
    assert(outcome < JOB_OUTCOME_COUNT);
    return OUTCOME_NAMES[outcome];
}

void job_report_init(JobReport *report)
{
    *report = (JobReport){.outcome = JOB_NONE};
    buffer_init(&report->output_artifacts, OUTPUT_ARTIFACTS_BYTES_MAX);
}

void job_report_clear(JobReport *report)
{
    buffer_clear(&report->output_artifacts);
}

void job_report_set(JobReport *report, JobOutcome outcome, const char *format, ...)
{
    report->outcome = outcome;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->error_message, sizeof report->error_message, format, arguments);
    va_end(arguments);
}
