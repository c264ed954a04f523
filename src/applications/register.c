/* SPDX-License-Identifier: Apache-2.0 */
/* Registration of applications; see register.h. */
#include "applications/register.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applications/documents.h"
#include "applications/manifest.h"
#include "applications/semver.h"
#include "applications_sql.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/uuid.h"
#include "placement/placement.h"
#include "json/reader.h"

enum {
    PARAMETER_COUNT = 20,
    NUMBER_BYTES = 24,
    PRECEDENCE_BYTES_MAX = 1024,
    LIST_BYTES_MAX = 65536
};

static void clear_result(PGresult **result)
{
    PQclear(*result);
}

/* A PostgreSQL array literal: {"RUO","IVDR"}. */
static void write_array_literal(const json_t *strings, Buffer *out)
{
    size_t index = 0;
    const json_t *value = NULL;
    buffer_byte(out, '{');
    json_array_foreach(strings, index, value)
    {
        buffer_string(out, index > 0 ? ",\"" : "\"");
        for (const char *c = json_string_value(value); *c != '\0'; c++) {
            if (*c == '"' || *c == '\\') {
                buffer_byte(out, '\\');
            }
            buffer_byte(out, *c);
        }
        buffer_byte(out, '"');
    }
    buffer_byte(out, '}');
}

/* {"accepted name": "declared name", …} of the declared names and their aliases. */
static char *input_names(const json_t *artifacts)
{
    AUTO_JSON *names = json_object();
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(artifacts, index, artifact)
    {
        json_t *name = json_object_get(artifact, "name");
        json_object_set(names, json_string_value(name), name);
        size_t alias_index = 0;
        const json_t *alias = NULL;
        json_array_foreach(json_object_get(artifact, "aliases"), alias_index, alias)
        {
            json_object_set(names, json_string_value(alias), name);
        }
    }
    return document_to_string(names);
}

/* The artifacts with the members that the API shows. */
static char *shown_artifacts(const json_t *artifacts, bool output)
{
    static const char *const KEYS[] = {"name", "mime_type", "metadata_schema", "scope",
                                       "visibility"};
    AUTO_JSON *shown = json_array();
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(artifacts, index, artifact)
    {
        json_t *one = json_object();
        for (size_t k = 0; k < (output ? ARRAY_COUNT(KEYS) : 3); k++) {
            json_object_set(one, KEYS[k], json_object_get(artifact, KEYS[k]));
        }
        json_array_append_new(shown, one);
    }
    return document_to_string(shown);
}

static bool execute(PGconn *connection,
                    const char *sql,
                    const char *const *values,
                    int count,
                    PGresult **result_out,
                    Error *error)
{
    CLEANUP(clear_result)
    PGresult *result = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        const char *reason = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        return error_set(error, ERROR_CONFLICT, "%s",
                         reason != NULL ? reason : PQerrorMessage(connection));
    }
    *result_out = TAKE(result);
    return true;
}

static bool
run_statement(PGconn *connection, const char *const *values, bool *is_new_out, Error *error)
{
    CLEANUP(clear_result) PGresult *result = NULL;
    if (!execute(connection, SQL_REGISTER_VERSION, values, PARAMETER_COUNT, &result, error)) {
        return false;
    }
    const char *outcome = PQgetvalue(result, 0, 0);
    if (strcmp(outcome, "ORGANIZATION_NOT_FOUND") == 0) {
        return error_set(error, ERROR_NOT_FOUND, "there is no such organization");
    }
    *is_new_out = strcmp(outcome, "REGISTERED") == 0;
    return true;
}

/* The numbers of a manifest that the platform goes by, as parameters. */
typedef struct Numbers {
    char cpus[NUMBER_BYTES];
    char memory_bytes[NUMBER_BYTES];
    char gpus[NUMBER_BYTES];
    char error_threshold[NUMBER_BYTES];
    char deadline_seconds_min[NUMBER_BYTES];
} Numbers;

static void write_number(int64_t number, char out[NUMBER_BYTES])
{
    snprintf(out, NUMBER_BYTES, "%lld", (long long)number);
}

static void write_numbers(const Manifest *manifest, Numbers *out)
{
    write_number(manifest->limits.cpus, out->cpus);
    write_number(manifest->limits.memory_bytes, out->memory_bytes);
    write_number(manifest->limits.gpus, out->gpus);
    write_number(manifest->scheduling.error_threshold, out->error_threshold);
    write_number(manifest->scheduling.deadline_seconds_min, out->deadline_seconds_min);
}

static const char *rule_or_null(int64_t rule, const char *text)
{
    return rule == MANIFEST_NO_RULE ? NULL : text;
}

/* After the version is known, so that a refused one changes no document. */
static bool store_documents(PGconn *connection,
                            const Manifest *manifest,
                            const RegistrationRequest *request,
                            const char *folder,
                            Error *error)
{
    AUTO_FREE char *documents = NULL;
    if (json_array_size(manifest->documents) == 0) {
        return true;
    }
    if (!placement_check(connection, request->store->place, PLACEMENT_REMEDY, error) ||
        !documents_put(manifest, folder, request->store, &documents, error)) {
        return false;
    }
    const char *const values[] = {manifest->application_id, manifest->version_number, documents};
    CLEANUP(clear_result) PGresult *result = NULL;
    return execute(connection, SQL_STORE_DOCUMENTS, values, ARRAY_COUNT(values), &result, error);
}

bool application_register(PGconn *connection,
                          const RegistrationRequest *request,
                          Registration *registration_out,
                          Error *error)
{
    char *resolved = realpath(request->folder, NULL);
    if (resolved == NULL) {
        return error_set(error, ERROR_NOT_FOUND, "there is no folder '%s'", request->folder);
    }
    AUTO_FREE char *absolute = resolved;
    AUTO_MANIFEST manifest = {.root = NULL};
    if (!manifest_read(absolute, &manifest, error)) {
        return false;
    }
    if (json_array_size(manifest.documents) > 0 && request->store == NULL) {
        return error_set(error, ERROR_INVALID,
                         "'%s' has documents: name the object store that takes them", absolute);
    }
    AUTO_BUFFER precedence;
    AUTO_BUFFER classes;
    buffer_init(&precedence, PRECEDENCE_BYTES_MAX);
    buffer_init(&classes, LIST_BYTES_MAX);
    semver_precedence(text_of(manifest.version_number), &precedence);
    write_array_literal(manifest.regulatory_classes, &classes);
    if (classes.overflow) {
        return error_set(error, ERROR_LIMIT, "the list of regulatory classes is too long");
    }
    AUTO_FREE char *inputs = shown_artifacts(manifest.input_artifacts, false);
    AUTO_FREE char *outputs = shown_artifacts(manifest.output_artifacts, true);
    AUTO_FREE char *names = input_names(manifest.input_artifacts);
    AUTO_FREE char *text = document_to_string(manifest.root);
    Uuid version_id = uuid_create(&SYSTEM_CLOCK);
    Numbers numbers;
    write_numbers(&manifest, &numbers);
    const char *const values[PARAMETER_COUNT] = {
        manifest.application_id,
        manifest.name,
        manifest.description,
        buffer_to_string(&classes),
        manifest.version_number,
        buffer_to_string(&precedence),
        manifest.changelog,
        manifest.released_at,
        absolute,
        text,
        inputs,
        outputs,
        names,
        request->organization_id,
        version_id.text,
        numbers.cpus,
        numbers.memory_bytes,
        numbers.gpus,
        rule_or_null(manifest.scheduling.error_threshold, numbers.error_threshold),
        rule_or_null(manifest.scheduling.deadline_seconds_min, numbers.deadline_seconds_min)};
    bool is_new = false;
    if (!run_statement(connection, values, &is_new, error) ||
        !store_documents(connection, &manifest, request, absolute, error)) {
        return error_context(error, "register '%s'", absolute);
    }
    snprintf(registration_out->application_id, sizeof registration_out->application_id, "%s",
             manifest.application_id);
    snprintf(registration_out->version_number, sizeof registration_out->version_number, "%s",
             manifest.version_number);
    registration_out->is_new = is_new;
    return true;
}
