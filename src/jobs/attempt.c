/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt at one item; see attempt.h. */
#include "jobs/attempt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "jobs/outputs.h"
#include "sandbox/executor.h"

/* The exit code by which an application says that the input is at fault (docs/applications.md). */
enum { EXIT_USER_ERROR = 10, COMMAND_WORDS_MAX = 64, SCRATCH_FREE_BYTES_MIN = 1 << 20 };

#define SYSTEM_ERROR_PREFIX "A system error occurred during the item execution:\n "

static void report_progress(void *context, double fraction, Text stage)
{
    const Job *job = context;
    char text[128];
    snprintf(text, sizeof text, "%.*s", TEXT_ARGUMENTS(stage));
    log_event(LOG_DEBUG, EVENT_ATTEMPT_PROGRESS, LOG_STRING("attempt_id", job->attempt_id.text),
              LOG_NUMBER("percent", fraction * 100), LOG_STRING("stage", text));
}

static void report_trouble(void *context, const Error *error)
{
    const Job *job = context;
    Error told = *error;
    error_context(&told, "attempt %s", job->attempt_id.text);
    log_error(LOG_WARNING, EVENT_ATTEMPT_TROUBLE, &told);
}

static void report_exit(const SandboxOutcome *outcome, const char *scratch, JobReport *report)
{
    if (outcome->exit_code == EXIT_USER_ERROR) {
        outputs_read_user_error(scratch, report);
    } else if (outcome->exit_code != 0) {
        job_report_set(report, JOB_SYSTEM_ERROR,
                       SYSTEM_ERROR_PREFIX "The application ended with exit code %d",
                       outcome->exit_code);
    } else {
        report->outcome = JOB_SUCCEEDED;
    }
}

static void report_outcome(const SandboxOutcome *outcome,
                           const Job *job,
                           const char *scratch,
                           JobReport *report)
{
    report->peak_memory_bytes = outcome->peak_memory_bytes;
    snprintf(report->log_tail, sizeof report->log_tail, "%s", outcome->log_tail);
    switch (outcome->kind) {
    case SANDBOX_EXITED:
        report_exit(outcome, scratch, report);
        break;
    case SANDBOX_SIGNALLED:
        job_report_set(report, JOB_SYSTEM_ERROR,
                       SYSTEM_ERROR_PREFIX "The application was ended by signal %d",
                       outcome->signal);
        break;
    case SANDBOX_TIMED_OUT:
        job_report_set(report, JOB_SYSTEM_ERROR,
                       SYSTEM_ERROR_PREFIX "The application took longer than %lld s",
                       (long long)job->manifest.limits.time_seconds);
        break;
    case SANDBOX_OUT_OF_MEMORY:
        job_report_set(report, JOB_SYSTEM_ERROR,
                       SYSTEM_ERROR_PREFIX "The application needed more than %lld MiB of memory",
                       (long long)job->manifest.limits.memory_bytes >> 20);
        break;
    case SANDBOX_OUTPUT_TOO_LARGE:
        job_report_set(report, JOB_SYSTEM_ERROR,
                       SYSTEM_ERROR_PREFIX "The application wrote more than %lld MiB",
                       (long long)job->manifest.limits.output_bytes >> 20);
        break;
    case SANDBOX_CANCELLED:
    case SANDBOX_END_COUNT:
        report->outcome = JOB_NONE;
        break;
    }
}

/* What only the operator can mend: the client reads that much, the log has the reason. */
static void report_platform_fault(const Error *error, JobReport *report)
{
    job_report_set(report, JOB_RETRY,
                   SYSTEM_ERROR_PREFIX "The platform could not process the item");
    snprintf(report->log_tail, sizeof report->log_tail, "%s", error->message);
}

/* The folders of one attempt: `scratch`, which the application sees, lies in `folder`. */
typedef struct Place {
    const char *folder;
    const char *scratch;
} Place;

static bool read_command(const Job *job, const char **command, Error *error)
{
    size_t index = 0;
    const json_t *word = NULL;
    json_array_foreach(job->manifest.command, index, word)
    {
        if (index == COMMAND_WORDS_MAX) {
            return error_set(error, ERROR_LIMIT, "the application's command is too long");
        }
        command[index] = json_string_value(word);
    }
    return true;
}

/* Runs the application; false when it could not be run to an end, which is ours to repair. */
static bool run_application(const AttemptContext *context,
                            const Job *job,
                            const Place *place,
                            const atomic_bool *cancel,
                            JobReport *report,
                            Error *error)
{
    const ManifestLimits *limits = &job->manifest.limits;
    const char *command[COMMAND_WORDS_MAX + 1] = {NULL};
    if (!read_command(job, command, error)) {
        return false;
    }
    const ExecutorTask task = {
        .attempt_id = job->attempt_id.text,
        .folder = place->folder,
        .sandbox = {.application_folder = job->folder,
                    .scratch_folder = place->scratch,
                    .command = command,
                    .limits = {.memory_bytes = limits->memory_bytes,
                               .time_seconds = limits->time_seconds,
                               .processes = limits->processes,
                               .output_bytes = limits->output_bytes},
                    .uid = context->sandbox_uid,
                    .cancel = cancel,
                    .progress = report_progress,
                    .progress_context = (void *)job,
                    .clock = context->stage.clock},
        .cpus = limits->cpus,
        .gpus = limits->gpus,
        .trouble = report_trouble,
    };
    SandboxOutcome outcome;
    if (!executor_run(context->executor, &task, &outcome, error)) {
        return false;
    }
    report_outcome(&outcome, job, place->scratch, report);
    return true;
}

/* Counts what passed since *began_at_us, which becomes now. */
static void count_phase(const Clock *clock, size_t phase, int64_t *began_at_us)
{
    int64_t now_us = clock_monotonic_us(clock);
    metric_observe(METRIC_PHASE_SECONDS, phase, now_us - *began_at_us);
    *began_at_us = now_us;
}

/* An application that finds no room for its files can only fail. */
static bool scratch_is_full(const char *scratch)
{
    struct statvfs disk;
    return statvfs(scratch, &disk) == 0 &&
           disk.f_bavail * disk.f_frsize < (fsblkcnt_t)SCRATCH_FREE_BYTES_MIN;
}

static void process(const AttemptContext *context,
                    const Job *job,
                    const Place *place,
                    const atomic_bool *cancel,
                    JobReport *report)
{
    Error error = {0};
    const Clock *clock = context->stage.clock;
    int64_t began_at_us = clock_monotonic_us(clock);
    bool staged = stage_inputs(&context->stage, job, place->scratch, cancel, report);
    count_phase(clock, PHASE_STAGE, &began_at_us);
    if (!staged) {
        return;
    }
    bool may_start = false;
    bool ran = context->may_start(context->may_start_context, job, cancel, &may_start, &error) &&
               (!may_start || run_application(context, job, place, cancel, report, &error));
    count_phase(clock, PHASE_RUN, &began_at_us);
    if (!ran) {
        log_error(LOG_ERROR, EVENT_ATTEMPT_NOT_RUN, &error);
        report_platform_fault(&error, report);
        return;
    }
    if (report->outcome == JOB_SYSTEM_ERROR && scratch_is_full(place->scratch)) {
        error_set(&error, ERROR_LIMIT, "the scratch disk is full");
        log_error(LOG_ERROR, EVENT_ATTEMPT_SCRATCH_FULL, &error);
        job_report_set(report, JOB_RETRY,
                       SYSTEM_ERROR_PREFIX "The platform could not process the item");
    }
    if (report->outcome != JOB_SUCCEEDED) {
        return;
    }
    bool stored = outputs_store(context->stage.store, job, place->scratch, cancel, report, &error);
    count_phase(clock, PHASE_STORE, &began_at_us);
    if (stored || atomic_load(cancel)) {
        return;
    }
    log_error(LOG_ERROR, EVENT_ATTEMPT_OUTPUTS_REFUSED, &error);
    if (error.code == ERROR_INVALID) {
        job_report_set(report, JOB_SYSTEM_ERROR, SYSTEM_ERROR_PREFIX "%s", error.message);
    } else {
        report_platform_fault(&error, report);
    }
}

void attempt_process(const AttemptContext *context,
                     const Job *job,
                     const atomic_bool *cancel,
                     JobReport *report)
{
    /* A folder of the attempt's own: what a lost one may still write goes nowhere else. */
    AUTO_FREE char *folder = alloc_format("%s/%s", context->scratch, job->attempt_id.text);
    AUTO_FREE char *scratch = alloc_format("%s/work", folder);
    const Place place = {folder, scratch};
    Error error = {0};
    if (folder_remove(folder, &error) && folder_create(scratch, 0700, &error)) {
        process(context, job, &place, cancel, report);
    } else {
        log_error(LOG_ERROR, EVENT_ATTEMPT_NO_SCRATCH, &error);
        report_platform_fault(&error, report);
    }
    if (atomic_load(cancel)) {
        report->outcome = JOB_NONE;
    }
    if (!folder_remove(folder, &error)) {
        log_error(LOG_ERROR, EVENT_ATTEMPT_SCRATCH_LEFT, &error);
    }
    rmdir(context->scratch); /* fails when an attempt before this one left something */
}
