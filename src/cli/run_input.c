/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of a version; see run_input.h. */
#include "cli/run_input.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/percent.h"
#include "cli/print.h"
#include "json/reader.h"

enum { PATH_BYTES_MAX = 2048 };

#define ANY_MEDIA_TYPE "application/octet-stream"

void run_input_clear(RunInput *input)
{
    json_decref(input->version);
    *input = (RunInput){0};
}

bool run_input_of(json_t *version, RunInput *input_out, Error *error)
{
    const json_t *artifacts = json_object_get(version, "input_artifacts");
    size_t count = json_array_size(artifacts);
    const json_t *artifact = json_array_get(artifacts, 0);
    const char *name = member_text(artifact, "name");
    if (count != 1 || name == NULL) {
        return error_set(
            error, ERROR_INVALID,
            "the application takes %zu input artifacts an item; this command fills one", count);
    }
    const json_t *schema = json_object_get(artifact, "metadata_schema");
    input_out->version = version;
    input_out->number = member_text(version, "version_number");
    input_out->artifact_name = name;
    input_out->schema = json_is_object(schema) ? schema : NULL;
    return true;
}

static bool
read_version(ApiClient *client, const char *id, const char *number, json_t **out, Error *error)
{
    AUTO_BUFFER path;
    buffer_init(&path, PATH_BYTES_MAX);
    buffer_string(&path, "/v1/applications/");
    percent_encode(&path, text_of(id));
    if (number != NULL) {
        buffer_string(&path, "/versions/");
        percent_encode(&path, text_of(number));
    }
    if (path.overflow) {
        return error_set(error, ERROR_INVALID, "the name of the application is too long");
    }
    return api_get(client, buffer_to_string(&path), out, error) ||
           error_context(error, "%s%s%s", id, number == NULL ? "" : " ",
                         number == NULL ? "" : number);
}

bool run_input_find(ApiClient *client,
                    const char *application_id,
                    const char *number,
                    RunInput *input_out,
                    Error *error)
{
    AUTO_JSON *application = NULL;
    AUTO_JSON *version = NULL;
    if (number == NULL) {
        if (!read_version(client, application_id, NULL, &application, error)) {
            return false;
        }
        /* The newest is the first. */
        number = member_text(json_array_get(json_object_get(application, "versions"), 0), "number");
        if (number == NULL) {
            return error_set(error, ERROR_NOT_FOUND, "%s has no version", application_id);
        }
    }
    if (!read_version(client, application_id, number, &version, error) ||
        !run_input_of(version, input_out, error)) {
        return false;
    }
    input_out->application_id = application_id;
    TAKE(version);
    return true;
}

static const json_t *property_of(const RunInput *input, const char *key)
{
    return json_object_get(json_object_get(input->schema, "properties"), key);
}

/* Whether the schema lets an object have the member. */
static bool is_known(const RunInput *input, const char *key)
{
    return !json_is_false(json_object_get(input->schema, "additionalProperties")) ||
           property_of(input, key) != NULL;
}

static bool is_in(const json_t *values, const char *text)
{
    size_t index = 0;
    const json_t *value = NULL;
    json_array_foreach(values, index, value)
    {
        if (json_is_string(value) && strcmp(json_string_value(value), text) == 0) {
            return true;
        }
    }
    return false;
}

/* A media type that the schema does not list is sent as bytes of any kind, or not at all. */
static void add_media_type(const RunInput *input, const char *media_type, json_t *metadata)
{
    const json_t *accepted = json_object_get(property_of(input, "media_type"), "enum");
    if (accepted == NULL || is_in(accepted, media_type)) {
        json_object_set_new(metadata, "media_type", json_string(media_type));
    } else if (is_in(accepted, ANY_MEDIA_TYPE)) {
        json_object_set_new(metadata, "media_type", json_string(ANY_MEDIA_TYPE));
    }
}

static void add_facts(const RunInput *input, const json_t *facts, json_t *metadata)
{
    void *member = json_object_iter((json_t *)facts);
    for (; member != NULL; member = json_object_iter_next((json_t *)facts, member)) {
        const char *key = json_object_iter_key(member);
        json_t *value = json_object_iter_value(member);
        if (!is_known(input, key)) {
            continue;
        }
        if (strcmp(key, "media_type") == 0 && json_is_string(value)) {
            add_media_type(input, json_string_value(value), metadata);
        } else {
            json_object_set(metadata, key, value);
        }
    }
}

static bool add_given(const RunInput *input, const json_t *given, json_t *metadata, Error *error)
{
    void *member = json_object_iter((json_t *)given);
    for (; member != NULL; member = json_object_iter_next((json_t *)given, member)) {
        const char *key = json_object_iter_key(member);
        if (!is_known(input, key)) {
            return error_set(error, ERROR_INVALID, "%s %s does not know the metadata '%.80s'",
                             input->application_id, input->number, key);
        }
        json_object_set(metadata, key, json_object_iter_value(member));
    }
    return true;
}

/* What is sent for a required member that neither the file nor the caller tells; NULL: nothing. */
static json_t *default_of(const RunInput *input, const char *key)
{
    json_t *stated = json_object_get(property_of(input, key), "default");
    if (stated != NULL) {
        return json_incref(stated);
    }
    if (strcmp(key, "staining_method") == 0) {
        return json_string("H&E");
    }
    if (strcmp(key, "specimen") == 0) {
        return json_pack("{s:s, s:s}", "disease", "OTHER", "tissue", "OTHER");
    }
    return NULL;
}

static bool add_required(const RunInput *input, json_t *metadata, Error *error)
{
    size_t index = 0;
    const json_t *entry = NULL;
    json_array_foreach(json_object_get(input->schema, "required"), index, entry)
    {
        const char *key = json_string_value(entry);
        if (key == NULL || json_object_get(metadata, key) != NULL) {
            continue;
        }
        json_t *value = default_of(input, key);
        if (value == NULL) {
            return error_set(error, ERROR_INVALID,
                             "%s %s needs the metadata '%.80s' of the slide: give it with "
                             "--metadata",
                             input->application_id, input->number, key);
        }
        json_object_set_new(metadata, key, value);
    }
    return true;
}

json_t *
run_input_metadata(const RunInput *input, const json_t *facts, const json_t *given, Error *error)
{
    AUTO_JSON *metadata = json_object();
    if (facts != NULL) {
        add_facts(input, facts, metadata);
    }
    if (!add_given(input, given, metadata, error) || !add_required(input, metadata, error)) {
        return NULL;
    }
    return TAKE(metadata);
}
