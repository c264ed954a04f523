/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A response: status, JSON body, at most a few headers. Errors have the body {"detail": …}: a text,
 * or for 422 (and 400 of run creation) a list of field errors {loc, msg, type, input?,
 * ctx?}.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "json/writer.h"

#define PROBLEM_MEDIA_TYPE "application/problem+json"

/* What an error is called in a problem document; the table is in problem.c. */
typedef enum ProblemCode {
    PROBLEM_BY_STATUS, /* the first one of the table that has the status */
    PROBLEM_INPUT_REJECTED,
    PROBLEM_DEADLINE_TOO_SHORT,
    PROBLEM_MALFORMED_REQUEST,
    PROBLEM_NOT_AUTHENTICATED,
    PROBLEM_QUOTA_EXCEEDED,
    PROBLEM_FORBIDDEN,
    PROBLEM_NOT_FOUND,
    PROBLEM_RUN_NOT_FOUND,
    PROBLEM_ITEM_NOT_FOUND,
    PROBLEM_APPLICATION_NOT_FOUND,
    PROBLEM_VERSION_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_CONFLICT,
    PROBLEM_RUN_TERMINATED,
    PROBLEM_RUN_NOT_TERMINATED,
    PROBLEM_GONE,
    PROBLEM_ARTIFACTS_DELETED,
    PROBLEM_CHECKSUM_MISMATCH,
    PROBLEM_BODY_TOO_LARGE,
    PROBLEM_URI_TOO_LONG,
    PROBLEM_VALIDATION_FAILED,
    PROBLEM_IDEMPOTENCY_KEY_REUSED,
    PROBLEM_RATE_LIMITED,
    PROBLEM_INTERNAL_ERROR,
    PROBLEM_UNAVAILABLE,
    PROBLEM_CODE_COUNT
} ProblemCode;

typedef struct Response {
    int status;          /* 0: nothing was decided yet */
    ProblemCode problem; /* of an error; to be set after the error's body */
    Buffer body;
    const char *content_type; /* NULL: application/json */
    const char *location;     /* of a redirect, in the arena */
    int retry_after_seconds;  /* 0: no header */
    const char *set_cookie;   /* NULL: none; in the arena */
    /* Content-Security-Policy of a page, which is shown in no frame; NULL: it is none. */
    const char *page_policy;
    bool no_store; /* no cache may keep it: it holds or leads to a secret */
} Response;

/* {"detail": message}; drops what the body holds. */
void response_error(Response *response, int status, const char *format, ...) PRINTF_LIKE(3, 4);
/* The status that belongs to the error's code; its cause is not shown. */
void response_of_error(Response *response, const Error *error);
/* Status and the JSON text `null`. */
void response_null(Response *response, int status);
/* 307 without a body, that no cache keeps. `location` lives in the arena. */
void response_redirect(Response *response, const char *location);
/* 303 without a body: a form was taken, and the browser goes on by GET. */
void response_see_other(Response *response, const char *location);
/* Starts a JSON body. */
void response_begin(Response *response, int status, JsonWriter *writer);

/* Field errors of a request, collected until all of it was read. */
typedef struct Problem Problem;
typedef struct Problems {
    Arena *arena;
    Problem *first;
    Problem *last;
    int count; /* past PROBLEMS_MAX they are only counted */
} Problems;

enum { PROBLEMS_MAX = 100 };

void problems_init(Problems *problems, Arena *arena);
/* `location` is a JSON array without its brackets, as in `"body","items",3,"external_id"`; `type`
 * is pydantic's name ("missing", "string_too_long", …); `input` may be NULL or the JSON of the
 * value. */
void problems_add(Problems *problems,
                  const char *type,
                  const char *location,
                  const char *message,
                  const char *input);
/* Gives the problem that was added last the values of the rule that it breaks: a JSON object, or
 * NULL. */
void problems_set_context(Problems *problems, const char *context);
/* Whether there are any: then they are the answer, a 422. */
bool problems_refuse(const Problems *problems, Response *response);
/* The body with all problems; status 422, or 400 for a request that breaks an application's rules.
 */
void response_problems(Response *response, int status, const Problems *problems);
