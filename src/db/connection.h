/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to PostgreSQL: the operator's connection string, and over it what we need on every
 * session: application name, UTF-8, UTC and a statement timeout.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

static inline void cleanup_result(PGresult **result)
{
    PQclear(*result);
}
#define AUTO_RESULT CLEANUP(cleanup_result) PGresult

static inline void cleanup_connection(PGconn **connection)
{
    PQfinish(*connection);
}
#define AUTO_CONNECTION CLEANUP(cleanup_connection) PGconn

/* Whether a statement is planned once, for each set of arguments, or as PostgreSQL sees fit. */
typedef enum PlanMode { PLAN_AUTO, PLAN_GENERIC, PLAN_CUSTOM } PlanMode;

typedef struct ConnectionProfile {
    const char *conninfo; /* a libpq connection string or URI */
    const char *application_name;
    unsigned statement_timeout_ms; /* 0: none */
    PlanMode plan_mode;
} ConnectionProfile;

/* libpq lets PGTZ and PGDATESTYLE of the environment win over what a session asks for: forgets
 * them. To be called before any thread is started. */
void connection_forget_environment(void);

/* Connects and waits for it, at most 10 s. ERROR_UNAVAILABLE says in one sentence why not. */
MUST_CHECK bool
connection_open(const ConnectionProfile *profile, PGconn **connection_out, Error *error);
/* Begins to connect; the caller goes on with PQconnectPoll. */
MUST_CHECK bool
connection_start(const ConnectionProfile *profile, PGconn **connection_out, Error *error);
/* PQexecParams with an end: a database that says nothing for longer than a statement may take
 * counts as lost, and so does the connection. The caller looks at the result as usual. */
PGresult *
connection_query(PGconn *connection, const char *sql, const char *const *values, int value_count);
/* What went wrong on it, as one line in the error's cause. Always returns false. */
bool connection_error(PGconn *connection, const char *what, Error *error);
/* connection_query for a statement that must return rows or none. ERROR_UNAVAILABLE: the connection
 * is lost, ERROR_INTERNAL: it is not; PostgreSQL's words are the cause. */
MUST_CHECK bool connection_run(PGconn *connection,
                               const char *sql,
                               const char *const *values,
                               int value_count,
                               PGresult **result_out,
                               Error *error);

/* Gives the statement a name by which connection_run_together runs it, parsed once. */
MUST_CHECK bool
connection_prepare(PGconn *connection, const char *name, const char *sql, Error *error);

/* One of several prepared statements that are sent together. */
typedef struct ConnectionCall {
    const char *name;
    const char *const *values;
    int value_count;
    PGresult *result; /* what came of it, maybe an error; to be cleared by the caller */
} ConnectionCall;
/* Sends all at once and waits for all answers, so that they cost one round trip. Each is a
 * transaction of its own, in their order; one that fails does not keep those after it from running.
 * False: the connection is lost, or no more of use. */
MUST_CHECK bool
connection_run_together(PGconn *connection, ConnectionCall *calls, int count, Error *error);
/* Whether the call's statement was committed; its error has PostgreSQL's words as the cause. */
MUST_CHECK bool connection_call_done(const ConnectionCall *call, Error *error);
