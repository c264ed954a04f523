/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema, draft-07: a schema is compiled once and then checks values, from any thread. A
 * check collects everything that is wrong, each with its path, a type word as pydantic has it and
 * an English sentence. `format`, `contentEncoding` and `contentMediaType` are annotations, as the
 * draft allows. Nothing is ever fetched, and every check ends within a bound.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct Schema Schema;

/* A document that a $ref may name, besides the schema itself and draft-07's own schema. */
typedef struct SchemaDocument {
    const char *uri;
    const json_t *root;
} SchemaDocument;

typedef struct SchemaDocuments {
    const SchemaDocument *items;
    size_t count;
} SchemaDocuments;

/* `known` may be NULL. The documents are kept and must not change any more. ERROR_INVALID says at
 * which JSON pointer what is wrong: another draft, a keyword's value, a $ref that leads nowhere or
 * into itself, a pattern that is none. */
MUST_CHECK bool
schema_compile(const json_t *root, const SchemaDocuments *known, Schema **schema_out, Error *error);
void schema_destroy(Schema *schema);

static inline void cleanup_schema(Schema **schema)
{
    schema_destroy(*schema);
}
#define AUTO_SCHEMA CLEANUP(cleanup_schema) Schema

/* One step from the checked value to the place of a problem. */
typedef struct SchemaSegment {
    const char *key; /* NULL: an element of an array */
    size_t index;
} SchemaSegment;

typedef struct SchemaProblem {
    const char *type; /* "missing", "extra_forbidden", "string_too_long", … */
    const char *message;
    const char *context; /* a JSON object with the rule's values, or NULL */
    const json_t *value; /* what is there; NULL when nothing is. Borrowed from what was checked */
    const SchemaSegment *path;
    size_t path_length;
} SchemaProblem;

/* Texts and paths live in the arena. One collector may serve many checks. */
typedef struct SchemaProblems {
    Arena *arena;
    size_t count; /* of `items` */
    long steps_left;
    SchemaProblem items[SCHEMA_PROBLEMS_MAX];
} SchemaProblems;

/* `steps` bounds the work of all checks that use the collector; one keyword of one value is about
 * a step. */
void schema_problems_init(SchemaProblems *problems, Arena *arena, long steps);
/* Whether the value is as the schema says; if not, at least one problem was added or there was no
 * room for it. A check that reaches a bound ends with a problem of type "limit_reached". */
bool schema_check(const Schema *schema, const json_t *value, SchemaProblems *problems);

/* Whether the schema's own `properties`, at its top, name the key. */
bool schema_has_property(const Schema *schema, const char *key);
