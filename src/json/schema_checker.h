/* SPDX-License-Identifier: Apache-2.0 */
/* A check of one value in progress, inside of json/schema*. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "json/schema.h"
#include "json/schema_node.h"

/* A value and how it was reached; lives on the stack of the walk. */
typedef struct Spot Spot;
struct Spot {
    const Spot *parent; /* NULL: the checked value itself */
    const char *key;    /* NULL: an element */
    size_t index;
    const json_t *value; /* NULL: nothing is there */
};

/* Where problems go. */
typedef struct Findings {
    SchemaProblems *out; /* NULL: they are only counted */
    bool first_only;     /* one is enough to know */
    size_t count;
    const Spot *top;   /* the value that all of it is about */
    size_t type_count; /* of the problems, those about the type of the value itself */
} Findings;

typedef struct Checker {
    long steps_left;
    int depth;
    bool stopped; /* a bound was reached: the rest is not looked at */
    PatternMatcher matcher;
} Checker;

/* What a problem is called, and the value of the rule that it breaks: at most one of the two. */
typedef struct Finding {
    const char *type;
    const char *rule; /* its name in the context; NULL: no context */
    const json_t *rule_value;
    const char *rule_text;
} Finding;

/* schema_report.c */

/* Adds a problem at the spot. */
void findings_add(Findings *findings,
                  const Spot *spot,
                  const Finding *finding,
                  const char *format,
                  ...) PRINTF_LIKE(4, 5);
/* Whether a problem's text would be kept; building it may be left out otherwise, but it must be
 * added still. */
bool findings_are_kept(const Findings *findings);
/* Whether the walk may stop because all is known. */
bool findings_suffice(const Findings *findings);
/* A number as people write it. */
char *number_text(const json_t *number, Arena *arena);
/* "'a', 'b' or 'c'"; the values come from an array. */
char *choices_text(const json_t *choices, Arena *arena);
/* A problem of the wrong type. */
void report_type(Findings *findings, const Spot *spot, unsigned types);

/* schema_check.c */

/* Adds what is wrong with the value at the spot. */
void check_node(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings);
/* Whether nothing is wrong. */
bool node_accepts(Checker *checker, const SchemaNode *node, const Spot *spot);
/* Takes steps; false when none are left, and then everything ends. */
bool checker_take(Checker *checker, long steps);
/* pattern_search, which may end everything as well. */
bool pattern_fits(Checker *checker, const Pattern *pattern, Text subject);

/* schema_assert.c: the keywords that look at the value alone. */

/* 0 fits everything. */
bool types_fit(unsigned types, const json_t *value);
/* False: the type is wrong, so that nothing else needs to be said. */
bool check_assertions(Checker *checker,
                      const SchemaNode *node,
                      const Spot *spot,
                      Findings *findings);
/* "Input should be 'a' or 'b'"; the type is pydantic's "enum" or "literal_error". */
void report_choices(Findings *findings, const Spot *spot, const char *type, const json_t *choices);

/* schema_union.c: anyOf and oneOf. */
void check_any_of(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings);
void check_one_of(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings);
