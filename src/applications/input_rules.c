/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of input artifacts; see input_rules.h. */
#include "applications/input_rules.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "json/reader.h"
#include "json/writer.h"

enum { LOCATION_BYTES_MAX = 65536, INPUT_BYTES_SHOWN_MAX = 256 };

#define OLD_MEDIA_TYPE "media-type"
#define MEDIA_TYPE "media_type"

static_assert(ARTIFACTS_PER_ITEM_MAX <= 64, "an item's artifacts are the bits of one number");

typedef struct Artifact {
    const char *name;
    Schema *schema;
} Artifact;

struct InputRules {
    atomic_int reference_count;
    char *version_id;
    json_t *list;  /* of the artifacts, whose names are borrowed */
    json_t *names; /* accepted name → declared name */
    size_t count;
    Artifact artifacts[ARTIFACTS_PER_ITEM_MAX];
};

/* Making them. */

static bool compile(InputRules *rules, Error *error)
{
    size_t index = 0;
    const json_t *one = NULL;
    if (json_array_size(rules->list) > ARTIFACTS_PER_ITEM_MAX) {
        return error_set(error, ERROR_INTERNAL, "the version has too many input artifacts");
    }
    json_array_foreach(rules->list, index, one)
    {
        Artifact *artifact = &rules->artifacts[rules->count];
        artifact->name = document_string(one, "name");
        if (artifact->name == NULL || !schema_compile(json_object_get(one, "metadata_schema"), NULL,
                                                      &artifact->schema, error)) {
            return error_set(error, ERROR_INTERNAL, "input artifact %zu has no schema", index);
        }
        rules->count++;
    }
    return true;
}

bool input_rules_create(const char *version_id,
                        const char *input_artifacts,
                        const char *input_names,
                        InputRules **rules_out,
                        Error *error)
{
    AUTO_INPUT_RULES *rules = ALLOC_NEW(InputRules);
    atomic_init(&rules->reference_count, 1);
    rules->version_id = alloc_string(version_id);
    if (!document_parse(text_of(input_artifacts), &rules->list, error) ||
        !document_parse(text_of(input_names), &rules->names, error) || !compile(rules, error)) {
        return error_context(error, "version %s", version_id);
    }
    *rules_out = TAKE(rules);
    return true;
}

InputRules *input_rules_acquire(InputRules *rules)
{
    atomic_fetch_add(&rules->reference_count, 1);
    return rules;
}

void input_rules_release(InputRules *rules)
{
    if (rules == NULL || atomic_fetch_sub(&rules->reference_count, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < rules->count; i++) {
        schema_destroy(rules->artifacts[i].schema);
    }
    json_decref(rules->list);
    json_decref(rules->names);
    alloc_free(rules->version_id);
    alloc_free(rules);
}

const char *input_rules_version_id(const InputRules *rules)
{
    return rules->version_id;
}

/* Applying them. */

static const Artifact *find_artifact(const InputRules *rules, const char *name)
{
    const char *declared = document_string(rules->names, name);
    for (size_t i = 0; declared != NULL && i < rules->count; i++) {
        if (strcmp(rules->artifacts[i].name, declared) == 0) {
            return &rules->artifacts[i];
        }
    }
    return NULL;
}

static bool needs_renaming(const Artifact *artifact, const json_t *metadata)
{
    return json_object_get(metadata, OLD_MEDIA_TYPE) != NULL &&
           json_object_get(metadata, MEDIA_TYPE) == NULL &&
           !schema_has_property(artifact->schema, OLD_MEDIA_TYPE);
}

json_t *input_rules_rename(const InputRules *rules, const char *name, const json_t *metadata)
{
    const Artifact *artifact = find_artifact(rules, name);
    if (artifact == NULL || !needs_renaming(artifact, metadata)) {
        return NULL;
    }
    json_t *renamed = json_copy((json_t *)metadata);
    json_object_set(renamed, MEDIA_TYPE, json_object_get(metadata, OLD_MEDIA_TYPE));
    json_object_del(renamed, OLD_MEDIA_TYPE);
    return renamed;
}

void input_check_init(InputCheck *check, const InputRules *rules, Problems *problems)
{
    check->rules = rules;
    check->problems = problems;
    schema_problems_init(&check->found, problems->arena, RUN_CHECK_STEPS_MAX);
}

void input_check_begin_item(InputCheck *check)
{
    check->seen = 0;
}

/* As the client spelt it. */
static const char *sent_key(const char *key, const json_t *sent)
{
    return strcmp(key, MEDIA_TYPE) == 0 && json_object_get(sent, MEDIA_TYPE) == NULL &&
                   json_object_get(sent, OLD_MEDIA_TYPE) != NULL
               ? OLD_MEDIA_TYPE
               : key;
}

/* `"body",…,"metadata","specimen","tissue"` */
static const char *
problem_location(const SentArtifact *artifact, const SchemaProblem *problem, Arena *arena)
{
    AUTO_BUFFER out;
    buffer_init(&out, LOCATION_BYTES_MAX);
    buffer_format(&out, "%s,\"%s\"", artifact->location, artifact->metadata_key);
    for (size_t i = 0; i < problem->path_length; i++) {
        const SchemaSegment *segment = &problem->path[i];
        buffer_byte(&out, ',');
        JsonWriter writer;
        writer_init(&writer, &out);
        if (segment->key == NULL) {
            writer_integer(&writer, (int64_t)segment->index);
        } else {
            writer_string(&writer,
                          i == 0 ? sent_key(segment->key, artifact->metadata) : segment->key);
        }
    }
    return out.overflow ? artifact->location : arena_string(arena, buffer_view(&out));
}

static void add_found(InputCheck *check, const SentArtifact *artifact)
{
    for (size_t i = 0; i < check->found.count; i++) {
        const SchemaProblem *problem = &check->found.items[i];
        AUTO_FREE char *input = problem->value == NULL ? NULL : document_to_string(problem->value);
        bool shown = input != NULL && strlen(input) <= INPUT_BYTES_SHOWN_MAX;
        problems_add(check->problems, problem->type,
                     problem_location(artifact, problem, check->problems->arena), problem->message,
                     shown ? input : NULL);
        problems_set_context(check->problems, problem->context);
    }
}

static void check_metadata(InputCheck *check, const Artifact *rule, const SentArtifact *artifact)
{
    AUTO_JSON *renamed = needs_renaming(rule, artifact->metadata)
                             ? input_rules_rename(check->rules, artifact->name, artifact->metadata)
                             : NULL;
    check->found.count = 0;
    if (!schema_check(rule->schema, renamed != NULL ? renamed : artifact->metadata,
                      &check->found)) {
        add_found(check, artifact);
    }
}

static void report_name(InputCheck *check, const SentArtifact *artifact, const char *what)
{
    Arena *arena = check->problems->arena;
    problems_add(check->problems, "value_error",
                 arena_format(arena, "%s,\"name\"", artifact->location),
                 arena_format(arena, "Input artifact '%s' is %s", artifact->name, what), NULL);
}

void input_check_artifact(InputCheck *check, const SentArtifact *artifact)
{
    if (check->problems->count >= PROBLEMS_MAX) {
        return;
    }
    const Artifact *rule = find_artifact(check->rules, artifact->name);
    if (rule == NULL) {
        report_name(check, artifact, "not known to the application version");
        return;
    }
    uint64_t bit = UINT64_C(1) << (rule - check->rules->artifacts);
    if ((check->seen & bit) != 0) {
        report_name(check, artifact, "doubled");
    }
    check->seen |= bit;
    check_metadata(check, rule, artifact);
}

void input_check_end_item(InputCheck *check, const char *location)
{
    for (size_t i = 0; i < check->rules->count; i++) {
        if ((check->seen & (UINT64_C(1) << i)) == 0) {
            problems_add(check->problems, "missing", location,
                         arena_format(check->problems->arena, "Input artifact '%s' is missing",
                                      check->rules->artifacts[i].name),
                         NULL);
        }
    }
}
