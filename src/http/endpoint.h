/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint is a row: method, path, permission, statement, bind, render. bind turns the request
 * into parameters of one statement; render turns the result into the response. Neither blocks.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "db/statement.h"
#include "http/request.h"
#include "http/response.h"

/* Mandatory: the zero value is refused at start-up, so that a forgotten check does not run. */
typedef enum Permission {
    PERMISSION_UNSET,
    PERMISSION_PUBLIC, /* no token is asked for */
    PERMISSION_USER,   /* a valid bearer token; the statement says what its bearer may see */
    PERMISSION_SHARED  /* as USER, or no bearer token but a share token in the query */
} Permission;

#define SHARE_TOKEN_PARAMETER "share_token"

/* In the order in which a row is read. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
typedef struct Endpoint {
    const char *method;
    const char *path; /* "/v1/runs/{run_id}"; served under /api too */
    Permission permission;
    const Statement *statement; /* NULL: bind answers by itself */
    /* Fills the parameters and returns the statement to run (usually endpoint->statement), or
     * answers in *response and returns NULL. Bodies over BODY_INLINE_BYTES_MAX are bound on the
     * pool, so bind touches only the request, constants and what has a lock. NULL: no parameters.
     */
    const Statement *(*bind)(const struct Endpoint *endpoint,
                             Request *request,
                             Parameters *parameters,
                             Response *response);
    /* Called with PGRES_TUPLES_OK or PGRES_COMMAND_OK only. */
    void (*render)(Request *request, const PGresult *result, Response *response);
    /* Turns an SQLSTATE into the caller's fault; false: it is the platform's. NULL: always ours. */
    bool (*refuse)(Request *request, const char *sqlstate, const char *message, Response *response);
    /* Answers when the database is away or its queue is full. NULL: 503 with Retry-After. */
    void (*unavailable)(Request *request, const char *reason, Response *response);
    /* A good answer gets an ETag and is not sent again to a client that has it (304). */
    bool tagged;
    /* Any body is bound on the pool: bind may take long whatever its size. */
    bool pooled;
    /* Asked before render. True: the statement could not be answered since bind did not know
     * enough; what was missing is now in request->state, and the request is bound and its statement
     * run again. Happens LEARNINGS_MAX times at most. NULL: never. */
    bool (*learn)(Request *request, const PGresult *result);
} Endpoint;
