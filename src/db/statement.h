/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement: SQL from one file (embedded as SQL_… by tools/embed.py), prepared once a connection
 * under its name. Parameters and results are text.
 */
#pragma once
#include <assert.h>
#include <stddef.h>

/* Which connections run it. A READ shares a pipeline sync with others; all else has its own sync on
 * a connection of its own class, one in flight. A FILTER is a read whose plan depends on its
 * arguments; a SEARCH is one that its caller can also make fail or slow, as with a JSONPath: it has
 * a short time limit. In these two, callers take turns and each has only one in flight. */
typedef enum StatementClass {
    STATEMENT_READ,
    STATEMENT_WRITE,
    STATEMENT_FILTER,
    STATEMENT_SEARCH,
    STATEMENT_CLASS_COUNT
} StatementClass;

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

static inline void
parameters_add_all(Parameters *parameters, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        parameters_add(parameters, values[i]);
    }
}
