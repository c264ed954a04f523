/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outcomes: a statement that changes something says in its first column how it ended, and a table
 * turns the word into the answer.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "http/response.h"

/* In the order in which a row is read. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
typedef struct Outcome {
    const char *name; /* as the SQL function returns it; NULL ends a table */
    int status;
    const char *detail; /* NULL: answered with the JSON text null */
    ProblemCode problem;
} Outcome;

/* Answers with the row of the table whose name is the result's first column. */
void outcome_render(const Outcome *table, const PGresult *result, Response *response);
/* As outcome_render when the table has such a row; false: it has none, go on with the result. No
 * row in the result at all is the outcome NOT_FOUND. */
bool outcome_refuse(const Outcome *table, const PGresult *result, Response *response);
