/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the schemas of a document lie, for the compiler: each with the base URI that its $ref are
 * resolved against, and by the names that $id gives. Inside of json/schema*.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "json/schema.h"
#include "json/schema_node.h"

typedef struct Place {
    const json_t *json; /* an object; NULL: the slot is free */
    const char *base;
    SchemaNode *node; /* the compiler's */
} Place;

typedef struct Places {
    Arena *arena;
    const Schema *rules;          /* what schemas must be like; NULL: not looked at */
    const SchemaDocuments *known; /* may be NULL */
    json_t *documents;            /* all that were added, in their order */
    json_t *names;                /* URI → schema */
    Place *slots;                 /* a hash table by the address of the object */
    size_t slot_count;
    size_t used;
} Places;

void places_init(Places *places, Arena *arena);
void places_clear(Places *places);

/* Takes in the document `root`, which `uri` names (empty: nothing does). */
MUST_CHECK bool places_add(Places *places, const json_t *root, const char *uri, Error *error);
/* NULL: the object is no schema, or was not added. */
Place *places_find(const Places *places, const json_t *json);
/* The schema that `reference` names at a place with this base; it has been added then. */
MUST_CHECK bool places_resolve(Places *places,
                               const char *base,
                               const char *reference,
                               const json_t **target_out,
                               Error *error);
/* Puts the JSON pointer of an object of the documents before the message. Always false. */
bool places_error(const Places *places, const json_t *json, Error *error);
