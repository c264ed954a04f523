/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job: one claimed item with all that its attempt needs. attempt_id is the fencing token; what
 * the attempt produces counts only while it still holds the item.
 */
#pragma once
#include <jansson.h>
#include <stdint.h>

#include "applications/manifest.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/uuid.h"

typedef struct Job {
    Uuid attempt_id;
    Uuid item_id;
    Uuid run_id;
    int64_t attempt_number;
    char *external_id;
    char *folder; /* of the application */
    Manifest manifest;
    json_t *input_artifacts; /* [{"input_artifact_id","name","download_url","metadata"}] */
} Job;

void job_clear(Job *job);

/* How an attempt ended. RETRY and HANDED_BACK put the item back into the queue; the latter does not
 * count as a try. NONE: the attempt was cancelled from outside, there is nothing to report. */
typedef enum JobOutcome {
    JOB_NONE,
    JOB_SUCCEEDED,
    JOB_USER_ERROR,
    JOB_SYSTEM_ERROR,
    JOB_RETRY,
    JOB_HANDED_BACK,
    JOB_OUTCOME_COUNT
} JobOutcome;

/* "SUCCEEDED", …, as the database names it. */
const char *job_outcome_name(JobOutcome outcome);

typedef struct JobReport {
    JobOutcome outcome;
    char error_code[64]; /* empty: none */
    char error_message[ERROR_MESSAGE_BYTES + 128];
    char log_tail[LOG_TAIL_BYTES_MAX + 1];
    int64_t peak_memory_bytes;
    Buffer output_artifacts; /* the JSON list of finish_attempt */
} JobReport;

void job_report_init(JobReport *report);
void job_report_clear(JobReport *report);
/* Sets outcome and message. */
void job_report_set(JobReport *report, JobOutcome outcome, const char *format, ...)
    PRINTF_LIKE(3, 4);
