/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problems (RFC 9457): the same error for a client that asks for application/problem+json, with a
 * stable code. The table is the list of all codes; docs/api.md shows it.
 */
#pragma once
#include "http/response.h"

typedef struct ProblemKind {
    const char *code;
    int status;
    const char *title;
} ProblemKind;

/* The kind that the response names, or the one that belongs to its status. */
const ProblemKind *problem_kind(const Response *response);

/* Turns the body {"detail": …} of an error into a problem. `path` is the request's path as it came,
 * `request_id` its id. */
void problem_write(Response *response, Text path, const char *request_id);
