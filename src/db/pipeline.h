/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline: runs statements for one epoll loop without blocking, over a few connections in
 * libpq's pipeline mode. Reads of one loop turn share a sync, which is where the speed comes from;
 * writes and searches have connections of their own with one statement in flight. A pipeline and
 * all its queries belong to one thread.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "db/statement.h"

typedef struct Pipeline Pipeline;

/* How a query ended. */
typedef enum QueryOutcome {
    QUERY_ANSWERED,   /* result is a PGRES_TUPLES_OK or PGRES_COMMAND_OK */
    QUERY_FAILED,     /* result holds PostgreSQL's error */
    QUERY_UNAVAILABLE /* no result: the database is away, or it did not get its turn in time */
} QueryOutcome;

/* A statement on its way; the caller owns it until `done` was called. */
typedef struct Query Query;
struct Query {
    const Statement *statement;
    Parameters parameters;
    /* Who asks, for the fairness among searches; lives as long as the query. */
    const char *caller;
    /* Called once, always from pipeline_turn or from a socket's event, never from
     * pipeline_submit. The result lives until it returns. */
    void (*done)(Query *query, QueryOutcome outcome, const PGresult *result);
    /* The pipeline's own. */
    Query *next;
    int64_t submitted_at_us;
    uint64_t turn; /* of its caller, among searches: the lowest is next */
    bool again;    /* it shared a sync with one that failed and now runs alone */
};

typedef struct PipelineOptions {
    const char *conninfo;
    const char *application_name;
    const Clock *clock;
    int epoll_fd; /* sockets are watched there with data.ptr = EventSource * */
} PipelineOptions;

Pipeline *pipeline_create(const PipelineOptions *options);
/* Every query must have ended: see pipeline_fail_all. */
void pipeline_destroy(Pipeline *pipeline);

/* False when the queue is full, or full of this caller's searches; then `done` is not called. */
MUST_CHECK bool pipeline_submit(Pipeline *pipeline, Query *query);
/* To be called once a turn of the loop, after all events: sends what was submitted, connects
 * again, ends queries that waited too long. */
void pipeline_turn(Pipeline *pipeline);
/* Milliseconds until pipeline_turn has something to do by itself. */
int pipeline_wait_ms(const Pipeline *pipeline);
/* Ends every query as QUERY_UNAVAILABLE, for the end of the program. */
void pipeline_fail_all(Pipeline *pipeline);
/* Why the last attempt to connect failed; empty when a connection for reads stands. */
const char *pipeline_trouble(const Pipeline *pipeline);
