/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of the queue; see queue.h. */
#include "jobs/queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/array.h"
#include "db/connection.h"
#include "jobs_sql.h"
#include "json/reader.h"

enum { NUMBER_BYTES = 24, TURNOVER_CALLS_MAX = 2 };

/* The prepared statements of a worker's connection. */
#define SUCCEED "succeed_attempts"
#define CLAIM "claim_items"

static bool run(PGconn *connection,
                const char *sql,
                const char *const *values,
                int count,
                PGresult **result_out,
                Error *error)
{
    return connection_run(connection, sql, values, count, result_out, error) ||
           error_context(error, "the queue");
}

static bool run_for_count(PGconn *connection,
                          const char *sql,
                          const char *const *values,
                          int count,
                          int *number_out,
                          Error *error)
{
    AUTO_RESULT *result = NULL;
    if (!run(connection, sql, values, count, &result, error)) {
        return false;
    }
    *number_out = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    return true;
}

/* NULL: the label bounds nothing. */
static const char *write_label(int64_t label, char *buffer)
{
    snprintf(buffer, NUMBER_BYTES, "%lld", (long long)label);
    return label == LABEL_ANY ? NULL : buffer;
}

bool queue_register(PGconn *connection,
                    const WorkerIdentity *worker,
                    int *returned_out,
                    Error *error)
{
    char slots[NUMBER_BYTES];
    char lease[NUMBER_BYTES];
    char attempts[NUMBER_BYTES];
    char cpus[NUMBER_BYTES];
    char memory[NUMBER_BYTES];
    char gpus[NUMBER_BYTES];
    snprintf(slots, sizeof slots, "%u", worker->slots);
    snprintf(lease, sizeof lease, "%u", worker->lease_seconds);
    snprintf(attempts, sizeof attempts, "%u", worker->attempts_max);
    const char *const values[] = {worker->worker_id.text,
                                  worker->name,
                                  slots,
                                  lease,
                                  attempts,
                                  write_label(worker->labels.cpus, cpus),
                                  write_label(worker->labels.memory_bytes, memory),
                                  write_label(worker->labels.gpus, gpus)};
    return run_for_count(connection, SQL_REGISTER_WORKER, values, ARRAY_COUNT(values), returned_out,
                         error);
}

bool queue_heartbeat(PGconn *connection,
                     const WorkerIdentity *worker,
                     bool draining,
                     Heartbeat *heartbeat_out,
                     Error *error)
{
    char lease[NUMBER_BYTES];
    snprintf(lease, sizeof lease, "%u", worker->lease_seconds);
    const char *const values[] = {worker->worker_id.text, lease, draining ? "t" : "f"};
    AUTO_RESULT *result = NULL;
    if (!run(connection, SQL_HEARTBEAT_WORKER, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    heartbeat_out->alive = *PQgetvalue(result, 0, 0) == 't';
    heartbeat_out->cancelled_attempts = alloc_string(PQgetvalue(result, 0, 1));
    return true;
}

bool queue_leave(PGconn *connection, const WorkerIdentity *worker, int *returned_out, Error *error)
{
    char attempts[NUMBER_BYTES];
    snprintf(attempts, sizeof attempts, "%u", worker->attempts_max);
    const char *const values[] = {worker->worker_id.text, attempts};
    return run_for_count(connection, SQL_LEAVE_WORKER, values, ARRAY_COUNT(values), returned_out,
                         error);
}

/* The columns of claim_items.sql. */
enum {
    ATTEMPT_ID,
    ATTEMPT_NUMBER,
    ITEM_ID,
    RUN_ID,
    EXTERNAL_ID,
    ORGANIZATION_ID,
    APPLICATION_ID,
    VERSION_NUMBER,
    FOLDER,
    MANIFEST,
    INPUT_ARTIFACTS
};

static bool read_uuid(const PGresult *result, int row, int column, Uuid *uuid_out)
{
    return uuid_parse(text_of(PQgetvalue(result, row, column)), uuid_out);
}

/* `before` is the job of the row before this one, or NULL: most of a claim are of one version. */
static bool
read_manifest(const PGresult *result, int row, const Job *before, Job *job, Error *error)
{
    const char *text = PQgetvalue(result, row, MANIFEST);
    if (before != NULL && strcmp(text, PQgetvalue(result, row - 1, MANIFEST)) == 0) {
        job->manifest = manifest_share(&before->manifest);
        return true;
    }
    return manifest_parse(text, &job->manifest, error);
}

static bool read_job(const PGresult *result, int row, const Job *before, Job *job, Error *error)
{
    job->attempt_number = strtoll(PQgetvalue(result, row, ATTEMPT_NUMBER), NULL, 10);
    if (!read_uuid(result, row, ATTEMPT_ID, &job->attempt_id) ||
        !read_uuid(result, row, ITEM_ID, &job->item_id) ||
        !read_uuid(result, row, RUN_ID, &job->run_id)) {
        return error_set(error, ERROR_INTERNAL, "the claim holds no UUID");
    }
    job->external_id = alloc_string(PQgetvalue(result, row, EXTERNAL_ID));
    job->folder = alloc_string(PQgetvalue(result, row, FOLDER));
    return read_manifest(result, row, before, job, error) &&
           document_parse(text_of(PQgetvalue(result, row, INPUT_ARTIFACTS)), &job->input_artifacts,
                          error);
}

/* An item that cannot even be read must not stay PROCESSING until the lease ends. */
static void end_unreadable(PGconn *connection,
                           const WorkerIdentity *worker,
                           const Job *job,
                           const Error *reason)
{
    log_error(LOG_ERROR, EVENT_ATTEMPT_UNREADABLE, reason);
    JobReport report;
    job_report_init(&report);
    job_report_set(&report, JOB_SYSTEM_ERROR,
                   "An unknown system error occurred during the item execution");
    snprintf(report.log_tail, sizeof report.log_tail, "%s", reason->message);
    FinishResult ignored;
    Error error = {0};
    if (!queue_finish(connection, &job->attempt_id, &report, worker->attempts_max, &ignored,
                      &error)) {
        log_error(LOG_ERROR, EVENT_ATTEMPT_NOT_ENDED, &error);
    }
    job_report_clear(&report);
}

/* {id,id,…}, as PostgreSQL reads an array. */
static void write_ids(const AttemptIds *attempt_ids, Buffer *array)
{
    buffer_byte(array, '{');
    for (int i = 0; i < attempt_ids->count; i++) {
        buffer_string(array, i == 0 ? "" : ",");
        buffer_string(array, attempt_ids->ids[i].text);
    }
    buffer_byte(array, '}');
    assert(!array->overflow);
}

bool queue_hand_back_unknown(PGconn *connection,
                             const WorkerIdentity *worker,
                             const AttemptIds *known,
                             int *returned_out,
                             Error *error)
{
    AUTO_BUFFER array;
    buffer_init(&array, sizeof known->ids + 2);
    write_ids(known, &array);
    const char *const values[] = {worker->worker_id.text, buffer_to_string(&array)};
    return run_for_count(connection, SQL_HAND_BACK_UNKNOWN, values, ARRAY_COUNT(values),
                         returned_out, error);
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* The log of an application may hold any bytes; the database takes UTF-8 without NUL. */
static char *printable_copy(const char *text)
{
    char *copy = alloc_string(text);
    if (!text_is_utf8(text_of(copy))) {
        for (char *c = copy; *c != '\0'; c++) {
            *c = (unsigned char)*c >= 0x80 ? '?' : *c;
        }
    }
    return copy;
}

bool queue_finish(PGconn *connection,
                  const Uuid *attempt_id,
                  const JobReport *report,
                  unsigned attempts_max,
                  FinishResult *result_out,
                  Error *error)
{
    char memory[NUMBER_BYTES];
    char attempts[NUMBER_BYTES];
    snprintf(memory, sizeof memory, "%lld", (long long)report->peak_memory_bytes);
    snprintf(attempts, sizeof attempts, "%u", attempts_max);
    AUTO_FREE char *log_tail = printable_copy(report->log_tail);
    AUTO_FREE char *message = printable_copy(report->error_message);
    AUTO_FREE char *artifacts = text_to_string(buffer_view(&report->output_artifacts));
    const char *const values[] = {attempt_id->text,
                                  job_outcome_name(report->outcome),
                                  or_null(report->error_code),
                                  or_null(message),
                                  or_null(log_tail),
                                  memory,
                                  or_null(artifacts),
                                  attempts};
    AUTO_RESULT *result = NULL;
    if (!run(connection, SQL_FINISH_ATTEMPT, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    bool committed = strcmp(PQgetvalue(result, 0, 0), "COMMITTED") == 0;
    *result_out = committed ? FINISH_COMMITTED : FINISH_LEASE_LOST;
    return true;
}

/* The columns of the results as arrays, an element each. */
typedef struct SuccessArrays {
    ArrayWriter attempt_ids;
    ArrayWriter log_tails;
    ArrayWriter peak_memory_bytes;
    ArrayWriter output_artifacts;
} SuccessArrays;

static void success_arrays_clear(SuccessArrays *arrays)
{
    array_clear(&arrays->attempt_ids);
    array_clear(&arrays->log_tails);
    array_clear(&arrays->peak_memory_bytes);
    array_clear(&arrays->output_artifacts);
}

#define AUTO_SUCCESS_ARRAYS CLEANUP(success_arrays_clear) SuccessArrays

typedef struct Calls {
    ConnectionCall calls[TURNOVER_CALLS_MAX];
    int count;
} Calls;

static void calls_clear(Calls *calls)
{
    for (int i = 0; i < calls->count; i++) {
        PQclear(calls->calls[i].result);
    }
}

/* Every byte may be escaped, and each element has its quotes and a comma. */
static size_t array_bytes_max(size_t text_bytes, int count)
{
    enum { BYTES_AROUND = 8 };
    return 2 * text_bytes + (size_t)count * BYTES_AROUND;
}

static void write_successes(SuccessArrays *arrays, Success *const *successes, int count)
{
    size_t artifacts_bytes = 0;
    for (int i = 0; i < count; i++) {
        artifacts_bytes += successes[i]->report->output_artifacts.length;
    }
    array_init(&arrays->attempt_ids, array_bytes_max((size_t)count * sizeof(Uuid), count));
    array_init(&arrays->log_tails, array_bytes_max((size_t)count * LOG_TAIL_BYTES_MAX, count));
    array_init(&arrays->peak_memory_bytes, array_bytes_max((size_t)count * NUMBER_BYTES, count));
    array_init(&arrays->output_artifacts, array_bytes_max(artifacts_bytes, count));
    for (int i = 0; i < count; i++) {
        const JobReport *report = successes[i]->report;
        Text artifacts = buffer_view(&report->output_artifacts);
        AUTO_FREE char *log_tail = printable_copy(report->log_tail);
        array_add_string(&arrays->attempt_ids, successes[i]->attempt_id->text);
        array_add_string(&arrays->log_tails, or_null(log_tail));
        array_add_number(&arrays->peak_memory_bytes, report->peak_memory_bytes);
        array_add(&arrays->output_artifacts, artifacts.length > 0 ? artifacts : text_of("[]"));
    }
}

/* An item of the answer that cannot be read is left out. */
static void read_jobs(PGconn *connection,
                      const WorkerIdentity *worker,
                      const PGresult *result,
                      QueueTurnover *turnover)
{
    const Job *before = NULL;
    for (int row = 0; row < PQntuples(result) && row < turnover->attempt_ids->count; row++) {
        Job job = {.external_id = NULL};
        Error reason = {0};
        if (read_job(result, row, before, &job, &reason)) {
            before = &turnover->jobs[turnover->job_count];
            turnover->jobs[turnover->job_count++] = job;
            continue;
        }
        before = NULL;
        end_unreadable(connection, worker, &job, &reason);
        job_clear(&job);
    }
}

/* What cannot be committed together is reported alone, and there it turns out why. */
static void read_committed(const ConnectionCall *call, const QueueTurnover *turnover)
{
    Error ignored = {0};
    bool done = connection_call_done(call, &ignored);
    for (int i = 0; i < turnover->success_count; i++) {
        Success *success = turnover->successes[i];
        success->committed =
            done && strstr(PQgetvalue(call->result, 0, 0), success->attempt_id->text) != NULL;
    }
}

bool queue_prepare(PGconn *connection, Error *error)
{
    return connection_prepare(connection, SUCCEED, SQL_SUCCEED_ATTEMPTS, error) &&
           connection_prepare(connection, CLAIM, SQL_CLAIM_ITEMS, error);
}

bool queue_turnover(PGconn *connection,
                    const WorkerIdentity *worker,
                    QueueTurnover *turnover,
                    Error *error)
{
    assert(turnover->success_count >= 0 && turnover->success_count <= SUCCESSES_MAX);
    AUTO_SUCCESS_ARRAYS arrays;
    write_successes(&arrays, turnover->successes, turnover->success_count);
    const char *const results[] = {
        array_finish(&arrays.attempt_ids), array_finish(&arrays.log_tails),
        array_finish(&arrays.peak_memory_bytes), array_finish(&arrays.output_artifacts)};
    char wanted[NUMBER_BYTES];
    snprintf(wanted, sizeof wanted, "%d", turnover->attempt_ids->count);
    AUTO_BUFFER ids;
    buffer_init(&ids, sizeof turnover->attempt_ids->ids + 2);
    write_ids(turnover->attempt_ids, &ids);
    const char *const wish[] = {worker->worker_id.text, wanted, buffer_to_string(&ids)};

    CLEANUP(calls_clear) Calls calls = {.count = 0};
    ConnectionCall *succeed = NULL;
    ConnectionCall *claim = NULL;
    if (turnover->success_count > 0) {
        succeed = &calls.calls[calls.count++];
        *succeed = (ConnectionCall){SUCCEED, results, ARRAY_COUNT(results), NULL};
    }
    if (turnover->attempt_ids->count > 0) {
        claim = &calls.calls[calls.count++];
        *claim = (ConnectionCall){CLAIM, wish, ARRAY_COUNT(wish), NULL};
    }
    bool answered = connection_run_together(connection, calls.calls, calls.count, error);
    if (succeed != NULL) {
        read_committed(succeed, turnover);
    }
    if (!answered || (claim != NULL && !connection_call_done(claim, error))) {
        return error_context(error, "the queue");
    }
    if (claim != NULL) {
        read_jobs(connection, worker, claim->result, turnover);
    }
    return true;
}

bool queue_confirm(PGconn *connection, const Uuid *attempt_id, bool *running_out, Error *error)
{
    const char *const values[] = {attempt_id->text};
    AUTO_RESULT *result = NULL;
    if (!run(connection, SQL_CONFIRM_ATTEMPT, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    *running_out = *PQgetvalue(result, 0, 0) == 't';
    return true;
}
