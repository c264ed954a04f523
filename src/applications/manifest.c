/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests; see manifest.h. */
#include "applications/manifest.h"

#include <stddef.h>
#include <string.h>

#include "applications/documents.h"
#include "applications/semver.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/parse.h"
#include "json/reader.h"
#include "json/schema.h"

/* A year. */
enum { DEADLINE_SECONDS_MIN_MAX = 366 * 86400 };

/* What a manifest may ask for at most, and gets when it asks for nothing. */
static const ManifestLimits LIMITS_MAX = {.memory_bytes = 1LL << 40,
                                          .time_seconds = 7 * 86400,
                                          .processes = 4096,
                                          .output_bytes = 1LL << 40,
                                          .cpus = 1024,
                                          .gpus = 64};
static const ManifestLimits LIMITS_DEFAULT = {.memory_bytes = 4LL << 30,
                                              .time_seconds = 3600,
                                              .processes = 64,
                                              .output_bytes = 10LL << 30,
                                              .cpus = 1,
                                              .gpus = 0};
static const ManifestLimits LIMITS_MIN = {
    .memory_bytes = 1, .time_seconds = 1, .processes = 1, .output_bytes = 1, .cpus = 1, .gpus = 0};

Manifest manifest_share(const Manifest *manifest)
{
    json_incref(manifest->root);
    return *manifest;
}

void manifest_clear(Manifest *manifest)
{
    json_decref(manifest->root);
    *manifest = (Manifest){.root = NULL};
}

static bool read_string(const json_t *object, const char *key, const char **out, Error *error)
{
    const char *value = document_string(object, key);
    if (!string_is_given(value)) {
        return error_set(error, ERROR_INVALID, "%s: a text is required", key);
    }
    *out = value;
    return true;
}

static bool application_id_is_valid(const char *id)
{
    size_t length = strlen(id);
    return length <= 63 && id[0] != '-' &&
           strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static bool read_identity(Manifest *manifest, Error *error)
{
    const json_t *root = manifest->root;
    if (!read_string(root, "application_id", &manifest->application_id, error) ||
        !read_string(root, "name", &manifest->name, error) ||
        !read_string(root, "description", &manifest->description, error) ||
        !read_string(root, "version_number", &manifest->version_number, error) ||
        !read_string(root, "changelog", &manifest->changelog, error) ||
        !read_string(root, "released_at", &manifest->released_at, error)) {
        return false;
    }
    int64_t released_at_us = 0;
    if (!application_id_is_valid(manifest->application_id)) {
        return error_set(error, ERROR_INVALID,
                         "application_id: '%s' must be 1–63 lower-case letters, digits and dashes",
                         manifest->application_id);
    }
    if (!semver_is_valid(text_of(manifest->version_number))) {
        return error_set(error, ERROR_INVALID, "version_number: '%s' is no semantic version",
                         manifest->version_number);
    }
    if (!parse_timestamp(text_of(manifest->released_at), &released_at_us)) {
        return error_set(error, ERROR_INVALID, "released_at: '%s' is no RFC 3339 date-time",
                         manifest->released_at);
    }
    return true;
}

static bool check_strings(const json_t *list, const char *key, size_t least, Error *error)
{
    if (!json_is_array(list) || json_array_size(list) < least) {
        return error_set(error, ERROR_INVALID, "%s: a list of at least %zu texts is required", key,
                         least);
    }
    size_t index = 0;
    const json_t *value = NULL;
    json_array_foreach(list, index, value)
    {
        if (!json_is_string(value) || json_string_length(value) == 0) {
            return error_set(error, ERROR_INVALID, "%s[%zu]: a text is required", key, index);
        }
    }
    return true;
}

/* The shape that clients check: word characters, a slash, and at least three characters of a
 * subtype that ends in a word character. */
bool mime_type_is_valid(const char *mime_type)
{
    static const char WORD[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *slash = strchr(mime_type, '/');
    if (slash == NULL || slash == mime_type ||
        strspn(mime_type, WORD) != (size_t)(slash - mime_type)) {
        return false;
    }
    size_t length = strlen(slash + 1);
    return length >= 3 && strspn(slash + 1, WORD) >= 1 && strchr("-+.|", slash[length]) == NULL &&
           strspn(slash + 1,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.|") == length;
}

static bool check_artifact(const json_t *artifact, const char *key, size_t index, Error *error)
{
    const char *name = NULL;
    const char *mime_type = NULL;
    if (!read_string(artifact, "name", &name, error) ||
        !read_string(artifact, "mime_type", &mime_type, error)) {
        return error_context(error, "%s[%zu]", key, index);
    }
    if (strlen(name) > 255 || strchr(name, '/') != NULL) {
        return error_set(error, ERROR_INVALID, "%s[%zu].name: too long or holds a '/'", key, index);
    }
    if (!mime_type_is_valid(mime_type)) {
        return error_set(error, ERROR_INVALID, "%s[%zu].mime_type: '%s' is no media type", key,
                         index, mime_type);
    }
    const json_t *aliases = json_object_get(artifact, "aliases");
    if (aliases != NULL && !check_strings(aliases, "aliases", 0, error)) {
        return error_context(error, "%s[%zu]", key, index);
    }
    if (!json_is_object(json_object_get(artifact, "metadata_schema"))) {
        return error_set(error, ERROR_INVALID, "%s[%zu].metadata_schema: an object is required",
                         key, index);
    }
    return true;
}

/* `names` has all that came before. */
static bool add_name(json_t *names, const char *name, Error *error)
{
    if (json_object_get(names, name) != NULL) {
        return error_set(error, ERROR_INVALID, "'%s' comes twice", name);
    }
    json_object_set_new(names, name, json_true());
    return true;
}

/* A client names an artifact by its name or by an alias: none of them may mean two. */
static bool names_differ(const json_t *artifacts, const char *key, Error *error)
{
    AUTO_JSON *names = json_object();
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(artifacts, index, artifact)
    {
        if (!add_name(names, document_string(artifact, "name"), error)) {
            return error_context(error, "%s[%zu].name", key, index);
        }
    }
    json_array_foreach(artifacts, index, artifact)
    {
        const json_t *aliases = json_object_get(artifact, "aliases");
        for (size_t i = 0; i < json_array_size(aliases); i++) {
            if (!add_name(names, json_string_value(json_array_get(aliases, i)), error)) {
                return error_context(error, "%s[%zu].aliases[%zu]", key, index, i);
            }
        }
    }
    return true;
}

static bool read_artifacts(const json_t *root, const char *key, const json_t **out, Error *error)
{
    const json_t *artifacts = json_object_get(root, key);
    size_t count = json_array_size(artifacts);
    if (count == 0 || count > ARTIFACTS_PER_ITEM_MAX) {
        return error_set(error, ERROR_INVALID, "%s: a list of 1 to %d artifacts is required", key,
                         ARTIFACTS_PER_ITEM_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_artifact(json_array_get(artifacts, i), key, i, error)) {
            return false;
        }
    }
    *out = artifacts;
    return names_differ(artifacts, key, error);
}

static bool
check_one_of(const json_t *artifact, const char *key, const char *a, const char *b, Error *error)
{
    const char *value = document_string(artifact, key);
    if (value == NULL || (strcmp(value, a) != 0 && strcmp(value, b) != 0)) {
        return error_set(error, ERROR_INVALID, "output_artifacts: %s of '%s' must be %s or %s", key,
                         document_string(artifact, "name"), a, b);
    }
    return true;
}

static bool check_outputs(const json_t *artifacts, Error *error)
{
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(artifacts, index, artifact)
    {
        if (!check_one_of(artifact, "scope", "ITEM", "GLOBAL", error) ||
            !check_one_of(artifact, "visibility", "EXTERNAL", "INTERNAL", error)) {
            return false;
        }
    }
    return true;
}

/* A member of ManifestLimits and its name in the manifest. */
typedef struct LimitField {
    const char *key;
    size_t offset;
} LimitField;

static int64_t *limit_at(ManifestLimits *limits, size_t offset)
{
    return (int64_t *)(void *)((char *)limits + offset);
}

static bool
read_limit(const json_t *given, const LimitField *field, ManifestLimits *limits, Error *error)
{
    ManifestLimits least = LIMITS_MIN;
    ManifestLimits most = LIMITS_MAX;
    int64_t minimum = *limit_at(&least, field->offset);
    int64_t maximum = *limit_at(&most, field->offset);
    json_int_t number = json_integer_value(given);
    if (!json_is_integer(given) || number < minimum || number > maximum) {
        return error_set(error, ERROR_INVALID,
                         "limits.%s: an integer from %lld to %lld is required", field->key,
                         (long long)minimum, (long long)maximum);
    }
    *limit_at(limits, field->offset) = number;
    return true;
}

static bool read_limits(Manifest *manifest, Error *error)
{
    static const LimitField FIELDS[] = {
        {"memory_bytes", offsetof(ManifestLimits, memory_bytes)},
        {"time_seconds", offsetof(ManifestLimits, time_seconds)},
        {"processes", offsetof(ManifestLimits, processes)},
        {"output_bytes", offsetof(ManifestLimits, output_bytes)},
        {"cpus", offsetof(ManifestLimits, cpus)},
        {"gpus", offsetof(ManifestLimits, gpus)},
    };
    const json_t *limits = json_object_get(manifest->root, "limits");
    manifest->limits = LIMITS_DEFAULT;
    if (limits != NULL && !json_is_object(limits)) {
        return error_set(error, ERROR_INVALID, "limits: an object is required");
    }
    for (size_t i = 0; i < ARRAY_COUNT(FIELDS); i++) {
        const json_t *given = json_object_get(limits, FIELDS[i].key);
        if (given != NULL && !read_limit(given, &FIELDS[i], &manifest->limits, error)) {
            return false;
        }
    }
    return true;
}

static bool read_rule(const json_t *rules,
                      const char *key,
                      int64_t minimum,
                      int64_t maximum,
                      int64_t *value_out,
                      Error *error)
{
    const json_t *given = json_object_get(rules, key);
    json_int_t number = json_integer_value(given);
    *value_out = MANIFEST_NO_RULE;
    if (given == NULL) {
        return true;
    }
    if (!json_is_integer(given) || number < minimum || number > maximum) {
        return error_set(error, ERROR_INVALID,
                         "scheduling.%s: an integer from %lld to %lld is required", key,
                         (long long)minimum, (long long)maximum);
    }
    *value_out = number;
    return true;
}

static bool read_scheduling(Manifest *manifest, Error *error)
{
    const json_t *rules = json_object_get(manifest->root, "scheduling");
    ManifestScheduling *out = &manifest->scheduling;
    if (rules != NULL && !json_is_object(rules)) {
        return error_set(error, ERROR_INVALID, "scheduling: an object is required");
    }
    return read_rule(rules, "error_threshold", 0, RUN_ITEMS_MAX, &out->error_threshold, error) &&
           read_rule(rules, "deadline_seconds_min", 1, DEADLINE_SECONDS_MIN_MAX,
                     &out->deadline_seconds_min, error);
}

/* Takes the reference of `root`. */
static bool manifest_of_root(json_t *root, Manifest *manifest_out, Error *error)
{
    AUTO_MANIFEST manifest = {.root = root};
    if (!json_is_object(root)) {
        return error_set(error, ERROR_INVALID, "the manifest must be an object");
    }
    manifest.regulatory_classes = json_object_get(root, "regulatory_classes");
    manifest.command = json_object_get(root, "command");
    manifest.documents = json_object_get(root, "documents");
    if (!read_identity(&manifest, error) ||
        !check_strings(manifest.regulatory_classes, "regulatory_classes", 1, error) ||
        !check_strings(manifest.command, "command", 1, error) ||
        !read_artifacts(root, "input_artifacts", &manifest.input_artifacts, error) ||
        !read_artifacts(root, "output_artifacts", &manifest.output_artifacts, error) ||
        !check_outputs(manifest.output_artifacts, error) ||
        !documents_check(manifest.documents, error) || !read_limits(&manifest, error) ||
        !read_scheduling(&manifest, error)) {
        return false;
    }
    *manifest_out = manifest;
    manifest.root = NULL;
    return true;
}

static bool check_schemas(const json_t *artifacts, const char *key, Error *error)
{
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(artifacts, index, artifact)
    {
        AUTO_SCHEMA *schema = NULL;
        if (!schema_compile(json_object_get(artifact, "metadata_schema"), NULL, &schema, error)) {
            return error_context(error, "%s[%zu].metadata_schema", key, index);
        }
    }
    return true;
}

bool manifest_check_schemas(const Manifest *manifest, Error *error)
{
    return check_schemas(manifest->input_artifacts, "input_artifacts", error) &&
           check_schemas(manifest->output_artifacts, "output_artifacts", error);
}

bool manifest_read(const char *folder, Manifest *manifest_out, Error *error)
{
    AUTO_FREE char *path = alloc_format("%s/application.json", folder);
    json_t *root = NULL;
    if (!document_read(path, MANIFEST_BYTES_MAX, &root, error)) {
        return false;
    }
    AUTO_MANIFEST manifest = {.root = NULL};
    if (!manifest_of_root(root, &manifest, error) || !manifest_check_schemas(&manifest, error)) {
        return error_context(error, "'%s'", path);
    }
    *manifest_out = manifest;
    manifest.root = NULL;
    return true;
}

bool manifest_parse(const char *json_text, Manifest *manifest_out, Error *error)
{
    json_t *root = NULL;
    if (!document_parse(text_of(json_text), &root, error)) {
        return error_context(error, "manifest");
    }
    return manifest_of_root(root, manifest_out, error) || error_context(error, "manifest");
}

const json_t *manifest_output(const Manifest *manifest, const char *name)
{
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(manifest->output_artifacts, index, artifact)
    {
        if (strcmp(document_string(artifact, "name"), name) == 0) {
            return artifact;
        }
    }
    return NULL;
}
