/* SPDX-License-Identifier: Apache-2.0 */
/* Opening connections; see connection.h. */
#include "db/connection.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"

enum { KEYWORDS_MAX = 64, OPTIONS_BYTES_MAX = 4096 };

/* Of one statement: its rows, their end, an error of its commit with its end, the mark. */
enum { ANSWERS_MAX = 8 };

static const char *const PLAN_MODES[] = {[PLAN_AUTO] = "auto",
                                         [PLAN_GENERIC] = "force_generic_plan",
                                         [PLAN_CUSTOM] = "force_custom_plan"};

/* The connection string taken apart, with our own values behind: the last one of a name counts. */
typedef struct Keywords {
    PQconninfoOption *parsed;
    Buffer options;
    const char *names[KEYWORDS_MAX + 1];
    const char *values[KEYWORDS_MAX + 1];
    int count;
} Keywords;

static void keywords_clear(Keywords *keywords)
{
    PQconninfoFree(keywords->parsed);
    buffer_clear(&keywords->options);
}

static void keywords_add(Keywords *keywords, const char *name, const char *value)
{
    if (keywords->count < KEYWORDS_MAX) {
        keywords->names[keywords->count] = name;
        keywords->values[keywords->count++] = value;
    }
}

static void one_line(char *message)
{
    for (char *c = message; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\t') {
            *c = ' ';
        }
    }
    size_t length = strlen(message);
    while (length > 0 && message[length - 1] == ' ') {
        message[--length] = '\0';
    }
}

bool connection_error(PGconn *connection, const char *what, Error *error)
{
    AUTO_FREE char *reason = alloc_string(PQerrorMessage(connection));
    one_line(reason);
    error_set(error, ERROR_UNAVAILABLE, "%s", what);
    return error_cause(error, "%s", reason);
}

static bool keywords_read(const ConnectionProfile *profile, Keywords *keywords, Error *error)
{
    char *reason = NULL;
    keywords->parsed = PQconninfoParse(profile->conninfo, &reason);
    if (keywords->parsed == NULL) {
        if (reason != NULL) {
            one_line(reason);
        }
        error_set(error, ERROR_INVALID, "the connection string is not valid: %s",
                  reason == NULL ? "out of memory" : reason);
        PQfreemem(reason);
        return false;
    }
    buffer_init(&keywords->options, OPTIONS_BYTES_MAX);
    bool has_timeout = false;
    for (const PQconninfoOption *option = keywords->parsed; option->keyword != NULL; option++) {
        if (!string_is_given(option->val)) {
            continue;
        }
        if (strcmp(option->keyword, "options") == 0) {
            buffer_format(&keywords->options, "%s ", option->val);
            continue;
        }
        has_timeout = has_timeout || strcmp(option->keyword, "connect_timeout") == 0;
        keywords_add(keywords, option->keyword, option->val);
    }
    buffer_format(&keywords->options, "-c TimeZone=UTC -c DateStyle=ISO -c statement_timeout=%u",
                  profile->statement_timeout_ms);
    /* No statement of ours is worth compiling, and none may take more than one core. */
    buffer_format(&keywords->options,
                  " -c plan_cache_mode=%s -c jit=off -c max_parallel_workers_per_gather=0",
                  PLAN_MODES[profile->plan_mode]);
    keywords_add(keywords, "options", buffer_to_string(&keywords->options));
    keywords_add(keywords, "application_name", profile->application_name);
    keywords_add(keywords, "client_encoding", "UTF8");
    if (!has_timeout) {
        keywords_add(keywords, "connect_timeout", "10");
    }
    return true;
}

void connection_forget_environment(void)
{
    unsetenv("PGTZ");
    unsetenv("PGDATESTYLE");
}

/* What the server says besides its answers stands in the errors, too; libpq would print it. */
static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

bool connection_start(const ConnectionProfile *profile, PGconn **connection_out, Error *error)
{
    CLEANUP(keywords_clear) Keywords keywords = {0};
    if (!keywords_read(profile, &keywords, error)) {
        return false;
    }
    AUTO_CONNECTION *connection = PQconnectStartParams(keywords.names, keywords.values, 0);
    if (connection == NULL) {
        return error_set(error, ERROR_UNAVAILABLE, "cannot start a connection to PostgreSQL");
    }
    if (PQstatus(connection) == CONNECTION_BAD) {
        return connection_error(connection, "cannot connect to PostgreSQL", error);
    }
    PQsetNoticeProcessor(connection, ignore_notice, NULL);
    *connection_out = TAKE(connection);
    return true;
}

bool connection_open(const ConnectionProfile *profile, PGconn **connection_out, Error *error)
{
    CLEANUP(keywords_clear) Keywords keywords = {0};
    if (!keywords_read(profile, &keywords, error)) {
        return false;
    }
    AUTO_CONNECTION *connection = PQconnectdbParams(keywords.names, keywords.values, 0);
    if (connection == NULL || PQstatus(connection) != CONNECTION_OK) {
        return connection_error(connection, "cannot connect to PostgreSQL", error);
    }
    PQsetNoticeProcessor(connection, ignore_notice, NULL);
    *connection_out = TAKE(connection);
    return true;
}

/* False when the time is over. */
static bool wait_for_answer(PGconn *connection, int64_t until_us)
{
    while (PQisBusy(connection)) {
        int64_t left_us = until_us - clock_monotonic_us(&SYSTEM_CLOCK);
        struct pollfd event = {.fd = PQsocket(connection), .events = POLLIN};
        if (left_us <= 0) {
            return false;
        }
        int ready = poll(&event, 1, (int)(left_us / MICROSECONDS_PER_MILLISECOND) + 1);
        if (ready > 0 && PQconsumeInput(connection) != 1) {
            return true; /* lost: the result says so */
        }
    }
    return true;
}

static PGresult *next_result(PGconn *connection, int64_t until_us)
{
    if (!wait_for_answer(connection, until_us)) {
        /* libpq learns only from its socket that a connection is of no more use. */
        shutdown(PQsocket(connection), SHUT_RDWR);
    }
    return PQgetResult(connection);
}

static int64_t silence_ends_us(int statement_count)
{
    return clock_monotonic_us(&SYSTEM_CLOCK) +
           statement_count * DATABASE_SILENCE_MILLISECONDS_MAX * MICROSECONDS_PER_MILLISECOND;
}

static PGresult *last_result(PGconn *connection)
{
    int64_t until_us = silence_ends_us(1);
    PGresult *result = next_result(connection, until_us);
    for (PGresult *more = next_result(connection, until_us); more != NULL;
         more = next_result(connection, until_us)) {
        PQclear(result);
        result = more;
    }
    return result;
}

PGresult *
connection_query(PGconn *connection, const char *sql, const char *const *values, int value_count)
{
    if (PQsendQueryParams(connection, sql, value_count, NULL, values, NULL, NULL, 0) != 1) {
        return NULL;
    }
    return last_result(connection);
}

bool connection_run(PGconn *connection,
                    const char *sql,
                    const char *const *values,
                    int value_count,
                    PGresult **result_out,
                    Error *error)
{
    PGresult *result = connection_query(connection, sql, values, value_count);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        PQclear(result);
        connection_error(connection, "a statement failed", error);
        error->code = PQstatus(connection) == CONNECTION_OK ? ERROR_INTERNAL : ERROR_UNAVAILABLE;
        return false;
    }
    *result_out = result;
    return true;
}

bool connection_prepare(PGconn *connection, const char *name, const char *sql, Error *error)
{
    AUTO_RESULT *result =
        PQsendPrepare(connection, name, sql, 0, NULL) == 1 ? last_result(connection) : NULL;
    return PQresultStatus(result) == PGRES_COMMAND_OK ||
           connection_error(connection, "a statement cannot be prepared", error);
}

static bool send_calls(PGconn *connection, const ConnectionCall *calls, int count)
{
    if (PQenterPipelineMode(connection) != 1) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (PQsendQueryPrepared(connection, calls[i].name, calls[i].value_count, calls[i].values,
                                NULL, NULL, 0) != 1 ||
            PQpipelineSync(connection) != 1) {
            return false;
        }
    }
    return true;
}

static bool is_error(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK;
}

/* Until the mark that its transaction has ended: a commit may still fail after the rows came. */
static bool read_call(PGconn *connection, int64_t until_us, ConnectionCall *call)
{
    for (int i = 0; i < ANSWERS_MAX && PQstatus(connection) == CONNECTION_OK; i++) {
        PGresult *result = next_result(connection, until_us);
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            return call->result != NULL;
        }
        if (result != NULL && (call->result == NULL || is_error(result))) {
            PQclear(call->result);
            call->result = result;
        } else {
            PQclear(result);
        }
    }
    PQclear(call->result); /* rows without the mark say nothing */
    call->result = NULL;
    return false;
}

bool connection_run_together(PGconn *connection, ConnectionCall *calls, int count, Error *error)
{
    int64_t until_us = silence_ends_us(count);
    bool answered = send_calls(connection, calls, count);
    for (int i = 0; i < count && answered; i++) {
        answered = read_call(connection, until_us, &calls[i]);
    }
    return (answered && PQexitPipelineMode(connection) == 1) ||
           connection_error(connection, "statements found no answer", error);
}

bool connection_call_done(const ConnectionCall *call, Error *error)
{
    if (call->result != NULL && !is_error(call->result)) {
        return true;
    }
    AUTO_FREE char *reason = alloc_string(PQresultErrorMessage(call->result));
    one_line(reason);
    error_set(error, ERROR_INTERNAL, "a statement failed");
    return error_cause(error, "%s", reason);
}
