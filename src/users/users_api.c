/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of the caller; see users_api.h. */
#include "users/users_api.h"

#include <string.h>

#include "base/uuid.h"
#include "http/fields.h"
#include "http/rows.h"
#include "http/server.h"
#include "users_sql.h"
#include "json/reader.h"

static const Statement GET_ME = {"get_me", SQL_GET_ME, STATEMENT_READ, 2};

/* An upload begins within two hours; its download works for the seven days that an input URL must
 * outlive a run's stay in the queue. */
enum { UPLOAD_SECONDS = 2 * 3600, UPLOADED_SECONDS = 7 * 86400, FILE_NAME_CHARACTERS_MAX = 255 };

static const Statement *
bind_me(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)response;
    parameters_add(parameters, request->principal.user_id);
    parameters_add(parameters, request->principal.organization_id);
    return endpoint->statement;
}

/* What the token says, or else what is stored; empty counts as nothing. */
static const char *first_of(const char *claim, const char *stored)
{
    return claim[0] != '\0' ? claim : stored;
}

static void write_organization(JsonWriter *writer, const Request *request, const PGresult *result)
{
    enum { ORGANIZATION_NAME = 3, ORGANIZATION_DISPLAY_NAME };
    /* Clients require these texts; this installation gives no bucket and no telemetry. */
    static const char *const EMPTY[] = {
        "aignostics_bucket_hmac_access_key_id",
        "aignostics_bucket_hmac_secret_access_key",
        "aignostics_bucket_name",
        "aignostics_bucket_protocol",
        "aignostics_logfire_token",
        "aignostics_sentry_dsn",
    };
    writer_begin_object(writer);
    writer_key_string(writer, "id", request->principal.organization_id);
    row_string(writer, "name", result, 0, ORGANIZATION_NAME);
    row_string(writer, "display_name", result, 0, ORGANIZATION_DISPLAY_NAME);
    for (size_t i = 0; i < ARRAY_COUNT(EMPTY); i++) {
        writer_key_string(writer, EMPTY[i], "");
    }
    writer_end_object(writer);
}

static void render_me(Request *request, const PGresult *result, Response *response)
{
    enum { EMAIL, NAME, UPDATED_AT };
    static const char *const UNKNOWN[] = {"email_verified", "given_name", "family_name", "nickname",
                                          "picture"};
    const Principal *caller = &request->principal;
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_object(&writer);
    writer_key(&writer, "user");
    writer_begin_object(&writer);
    writer_key_string(&writer, "id", caller->user_id);
    writer_key_string(&writer, "email", first_of(caller->email, row_value(result, 0, EMAIL)));
    writer_key_string(&writer, "name", first_of(caller->name, row_value(result, 0, NAME)));
    for (size_t i = 0; i < ARRAY_COUNT(UNKNOWN); i++) {
        writer_key_string(&writer, UNKNOWN[i], NULL);
    }
    row_timestamp(&writer, "updated_at", result, 0, UPDATED_AT);
    writer_end_object(&writer);
    writer_key(&writer, "organization");
    write_organization(&writer, request, result);
    writer_end_object(&writer);
}

/* The last part of a path, with every byte that is awkward in a key replaced. */
static char *safe_file_name(const char *name, Arena *arena)
{
    const char *slash = strrchr(name, '/');
    char *safe = arena_string(arena, text_of(slash != NULL ? slash + 1 : name));
    for (char *c = safe; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || *c == '.' || *c == '-' || *c == '_';
        *c = plain ? *c : '_';
    }
    return safe[0] == '\0' || safe[0] == '.' ? "slide" : safe;
}

/* A key below the caller's organisation that nobody can guess or reuse. */
static const char *upload_key(Request *request, const char *name)
{
    Uuid id = uuid_create(request->clock);
    const char *organization = safe_file_name(request->principal.organization_id, &request->arena);
    return arena_format(&request->arena, "uploads/%s/%s/%s", organization, id.text,
                        safe_file_name(name, &request->arena));
}

static const char *read_name(Request *request, Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    Error error = {0};
    AUTO_JSON *root = NULL;
    const char *name = NULL;
    if (document_parse_sent(request->body, &root, &error)) {
        Fields fields = {.object = root, .location = "\"body\"", .problems = &problems};
        name = fields_string(&fields, "name", FIELD_REQUIRED, 1, FILE_NAME_CHARACTERS_MAX);
        name = name == NULL ? NULL : arena_string(&request->arena, text_of(name));
    } else {
        problems_add(&problems, "json_invalid", "\"body\"", error.message, NULL);
    }
    if (problems.count > 0) {
        response_problems(response, 422, &problems);
    }
    return name;
}

static const Statement *
bind_upload(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)endpoint;
    (void)parameters;
    const char *name = read_name(request, response);
    if (name == NULL) {
        return NULL;
    }
    const char *key = upload_key(request, name);
    JsonWriter writer;
    response_begin(response, 201, &writer);
    writer_begin_object(&writer);
    writer_key_string(&writer, "object_key", key);
    writer_key_string(&writer, "upload_url", server_sign_upload(request, key, UPLOAD_SECONDS));
    writer_key_string(&writer, "download_url",
                      server_sign_download(request, key, NULL, UPLOADED_SECONDS));
    writer_end_object(&writer);
    return NULL;
}

const Endpoint USER_ENDPOINTS[] = {
    {"GET", "/v1/me", PERMISSION_USER, &GET_ME, bind_me, render_me, NULL},
    {"POST", "/v1/uploads", PERMISSION_USER, NULL, bind_upload, NULL, NULL},
};
const size_t USER_ENDPOINT_COUNT = ARRAY_COUNT(USER_ENDPOINTS);
