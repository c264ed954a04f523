/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled form of a schema, inside of json/schema*: a graph of nodes, one for each object of
 * the document that is a schema. A keyword that is absent is NULL, zero or the widest range.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "json/schema_pattern.h"

typedef enum SchemaType {
    TYPE_NULL = 1,
    TYPE_BOOLEAN = 2,
    TYPE_OBJECT = 4,
    TYPE_ARRAY = 8,
    TYPE_NUMBER = 16,
    TYPE_INTEGER = 32,
    TYPE_STRING = 64
} SchemaType;

typedef struct SchemaNode SchemaNode;

typedef struct SchemaList {
    SchemaNode **nodes;
    size_t count;
} SchemaList;

/* minLength and maxLength and the like. */
typedef struct SchemaRange {
    int64_t minimum;
    int64_t maximum;
} SchemaRange;

typedef struct SchemaProperty {
    const char *key;
    SchemaNode *node;
} SchemaProperty;

typedef struct SchemaPatternProperty {
    const Pattern *pattern;
    SchemaNode *node;
} SchemaPatternProperty;

/* Either a schema for the whole object or keys that must be there. */
typedef struct SchemaDependency {
    const char *key;
    SchemaNode *node;
    const json_t *keys;
} SchemaDependency;

struct SchemaNode {
    const json_t *json;
    bool refuses_all; /* the schema `false` */
    unsigned types;   /* of SchemaType; 0: any */
    SchemaNode *ref;  /* then nothing else counts */

    const json_t *constant;
    const json_t *choices;

    const json_t *minimum;
    const json_t *maximum;
    const json_t *exclusive_minimum;
    const json_t *exclusive_maximum;
    const json_t *multiple_of;

    SchemaRange length;
    const Pattern *pattern;

    SchemaRange item_count;
    bool items_differ;
    SchemaNode *all_items;
    SchemaList first_items;
    SchemaNode *other_items;
    SchemaNode *contains;

    SchemaRange property_count;
    const json_t *required;
    SchemaProperty *properties; /* sorted by key */
    size_t properties_count;
    SchemaPatternProperty *pattern_properties;
    size_t pattern_property_count;
    SchemaNode *other_properties;
    SchemaNode *property_names;
    SchemaDependency *dependencies;
    size_t dependency_count;

    SchemaList all_of;
    SchemaList any_of;
    SchemaList one_of;
    SchemaNode *negated;
    SchemaNode *condition;
    SchemaNode *consequence;
    SchemaNode *alternative;

    int visit; /* of the search for loops */
};

struct Schema {
    Arena arena; /* of the nodes */
    SchemaNode *first;
    Pattern *patterns; /* a list, to free them */
    json_t *documents; /* an array that keeps what the nodes point into */
};

/* The node behind a chain of $ref. */
const SchemaNode *schema_node_follow(const SchemaNode *node);
/* NULL when there is no such property. */
const SchemaNode *schema_node_property(const SchemaNode *node, const char *key);
