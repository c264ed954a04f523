/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas and values written as JSON, and what a check says of them as one text. */
#pragma once
#include "unit_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "json/reader.h"
#include "json/schema.h"

static inline json_t *json_of(const char *text)
{
    AUTO_FREE char *array_text = alloc_format("[%s]", text); /* a document is no bare value */
    AUTO_JSON *array = NULL;
    Error error = {0};
    if (!document_parse(text_of(array_text), &array, &error)) {
        fail_msg("%s: %s", error.message, text);
    }
    return json_incref(json_array_get(array, 0));
}

static inline Schema *schema_of(const char *text)
{
    AUTO_JSON *json = json_of(text);
    Schema *schema = NULL;
    Error error = {0};
    if (!schema_compile(json, NULL, &schema, &error)) {
        fail_msg("%s: %s", error.message, text);
    }
    return schema;
}

/* "/a/0 type: message {context}", one line a problem. */
static inline void write_problem(Buffer *out, const SchemaProblem *problem)
{
    for (size_t i = 0; i < problem->path_length; i++) {
        if (problem->path[i].key != NULL) {
            buffer_format(out, "/%s", problem->path[i].key);
        } else {
            buffer_format(out, "/%zu", problem->path[i].index);
        }
    }
    buffer_format(out, " %s: %s", problem->type, problem->message);
    if (problem->context != NULL) {
        buffer_format(out, " %s", problem->context);
    }
    buffer_string(out, "\n");
}

/* All that a check says, in `out`. */
static inline void check_text(const Schema *schema, const json_t *value, Buffer *out)
{
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_FREE SchemaProblems *problems = ALLOC_NEW(SchemaProblems);
    schema_problems_init(problems, &arena, SCHEMA_STEPS_MAX);
    bool accepted = schema_check(schema, value, problems);
    assert_true(accepted == (problems->count == 0));
    for (size_t i = 0; i < problems->count; i++) {
        write_problem(out, &problems->items[i]);
    }
}

static inline void
assert_problems(const char *schema_text, const char *value_text, const char *expected)
{
    AUTO_SCHEMA *schema = schema_of(schema_text);
    AUTO_JSON *value = json_of(value_text);
    AUTO_BUFFER out;
    buffer_init(&out, 1 << 20);
    check_text(schema, value, &out);
    assert_string_equal(buffer_to_string(&out), expected);
}
