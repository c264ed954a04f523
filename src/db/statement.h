/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement: SQL from one file (embedded as SQL_… by tools/embed.py), prepared once a connection
 * under its name. Parameters and results are text.
 */
#pragma once
#include <assert.h>
#include <stddef.h>

/* Which connections run it. A READ shares a pipeline sync with others; a WRITE and a SEARCH (a read
 * that its caller can make fail or slow, as with a JSONPath) has its own sync on a connection of
 * its own class, one in flight. */
typedef enum StatementClass { STATEMENT_READ, STATEMENT_WRITE, STATEMENT_SEARCH } StatementClass;

typedef struct Statement {
    const char *name;
    const char *sql;
    StatementClass statement_class;
    int parameter_count;
} Statement;

enum { PARAMETERS_MAX = 32 };

/* Values in the order of $1, $2, …; NULL is SQL's null. The strings live in the request's arena. */
typedef struct Parameters {
    const char *values[PARAMETERS_MAX];
    int count;
} Parameters;

static inline void parameters_add(Parameters *parameters, const char *value)
{
    assert(parameters->count < PARAMETERS_MAX);
    parameters->values[parameters->count++] = value;
}
