/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application version wants of the input artifacts of an item: their names, and metadata
 * as its JSON Schemas say. A version never changes, so its rules are compiled once and shared.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "http/response.h"
#include "json/schema.h"

typedef struct InputRules InputRules;

/* The texts are the columns of the version's row. Starts with one reference. */
MUST_CHECK bool input_rules_create(const char *version_id,
                                   const char *input_artifacts,
                                   const char *input_names,
                                   InputRules **rules_out,
                                   Error *error);
/* Another reference; from any thread. */
InputRules *input_rules_acquire(InputRules *rules);
void input_rules_release(InputRules *rules);

static inline void cleanup_input_rules(InputRules **rules)
{
    input_rules_release(*rules);
}
#define AUTO_INPUT_RULES CLEANUP(cleanup_input_rules) InputRules

const char *input_rules_version_id(const InputRules *rules);

/* The check of one request's items: collects what breaks the rules. */
typedef struct InputCheck {
    const InputRules *rules;
    Problems *problems;
    uint64_t seen; /* a bit for each declared artifact of the item */
    SchemaProblems found;
} InputCheck;

void input_check_init(InputCheck *check, const InputRules *rules, Problems *problems);

/* An artifact as it was sent; `location` is its own. */
typedef struct SentArtifact {
    const char *name; /* or one of its aliases */
    const json_t *metadata;
    const char *metadata_key; /* under which it was sent */
    const char *location;
} SentArtifact;

void input_check_begin_item(InputCheck *check);
void input_check_artifact(InputCheck *check, const SentArtifact *artifact);
/* `location` is that of the item's list of artifacts. */
void input_check_end_item(InputCheck *check, const char *location);

/* The metadata as the artifact of that name wants it: media-type is the old spelling of media_type
 * and renamed, unless the schema knows it. NULL: nothing is to be changed. */
json_t *input_rules_rename(const InputRules *rules, const char *name, const json_t *metadata);
