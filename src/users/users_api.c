/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of the caller; see users_api.h. */
#include "users/users_api.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"
#include "buckets/bucket_key.h"
#include "http/fields.h"
#include "http/rows.h"
#include "http/server.h"
#include "users_sql.h"
#include "json/reader.h"

static const Statement GET_ME = {"get_me", SQL_GET_ME, STATEMENT_READ, 2};
static const Statement PROVIDE_ME = {"provide_me", SQL_PROVIDE_ME, STATEMENT_WRITE, 6};

/* An upload begins within two hours; its download works for the seven days that an input URL must
 * outlive a run's stay in the queue. */
enum { UPLOAD_SECONDS = 2 * 3600, UPLOADED_SECONDS = 7 * 86400, FILE_NAME_CHARACTERS_MAX = 255 };

/* The columns of both. */
enum {
    EMAIL,
    NAME,
    UPDATED_AT,
    ORGANIZATION_NAME,
    ORGANIZATION_DISPLAY_NAME,
    BUCKET_NAME,
    ACCESS_KEY_ID,
    SEALED_SECRET,
    ASSIGNED_PROTOCOL
};

/* What an organisation lacks, in request->state. */
typedef struct BucketNeed {
    const char *unreadable_key_id; /* whose secret nobody can read; NULL: it has no key */
} BucketNeed;

static const Statement *
bind_me(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)response;
    const ServerContext *context = request->context;
    const BucketNeed *need = request->state;
    parameters_add(parameters, request->principal.user_id);
    parameters_add(parameters, request->principal.organization_id);
    if (need == NULL) {
        return endpoint->statement;
    }
    BucketKey key;
    char name[BUCKET_NAME_BYTES];
    bucket_key_create(context->bucket_seal, request->clock, &key);
    bucket_name_create(request->principal.organization_id, request->clock, name);
    parameters_add(parameters, arena_string(&request->arena, text_of(name)));
    parameters_add(parameters, arena_string(&request->arena, text_of(key.access_key_id)));
    parameters_add(parameters, arena_string(&request->arena, text_of(key.sealed_secret)));
    parameters_add(parameters, need->unreadable_key_id);
    return &PROVIDE_ME;
}

/* A key that may only read gets none that may write. A bucket of ours that an organisation had is
 * out of reach where the store is a bucket itself. */
static bool shows_bucket(const Request *request, const PGresult *result)
{
    const ServerContext *context = request->context;
    return !request->principal.read_only &&
           (context->gives_buckets || row_value(result, 0, ASSIGNED_PROTOCOL) != NULL);
}

static bool open_secret(const Request *request, const PGresult *result, BucketSecret *secret)
{
    const ServerContext *context = request->context;
    const char *id = row_value(result, 0, ACCESS_KEY_ID);
    Error error = {0};
    return id != NULL && bucket_secret_open(context->bucket_seal, id,
                                            row_value(result, 0, SEALED_SECRET), secret, &error);
}

/* An organisation gets its bucket when somebody asks for it. One that the operator gave it, with a
 * secret that cannot be read any more, only they can put right. */
static bool learn_bucket(Request *request, const PGresult *result)
{
    AUTO_BUCKET_SECRET secret = {.text = ""};
    if (!shows_bucket(request, result) || request->state != NULL ||
        open_secret(request, result, &secret)) {
        return false;
    }
    const char *id = row_value(result, 0, ACCESS_KEY_ID);
    if (id != NULL) {
        log_event(LOG_WARNING, EVENT_BUCKET_SECRET_UNREADABLE,
                  LOG_STRING("organization_id", request->principal.organization_id));
    }
    if (row_value(result, 0, ASSIGNED_PROTOCOL) != NULL) {
        return false;
    }
    BucketNeed *need = arena_alloc(&request->arena, sizeof *need);
    need->unreadable_key_id = id == NULL ? NULL : arena_string(&request->arena, text_of(id));
    request->state = need;
    return true;
}

/* What the token says, or else what is stored; empty counts as nothing. */
static const char *first_of(const char *claim, const char *stored)
{
    return claim[0] != '\0' ? claim : stored;
}

static void write_organization(JsonWriter *writer, const Request *request, const PGresult *result)
{
    AUTO_BUCKET_SECRET secret = {.text = ""};
    bool has_bucket = shows_bucket(request, result) && open_secret(request, result, &secret);
    const char *assigned = row_value(result, 0, ASSIGNED_PROTOCOL);
    /* Clients require these texts. An installation without buckets says nothing in them, and none
     * gives telemetry. The protocol is what clients write before the bucket's name: "gs://". */
    const char *const texts[][2] = {
        {"aignostics_bucket_hmac_access_key_id",
         has_bucket ? row_value(result, 0, ACCESS_KEY_ID) : ""},
        {"aignostics_bucket_hmac_secret_access_key", secret.text},
        {"aignostics_bucket_name", has_bucket ? row_value(result, 0, BUCKET_NAME) : ""},
        {"aignostics_bucket_protocol", !has_bucket        ? ""
                                       : assigned != NULL ? assigned
                                                          : "gs"},
        {"aignostics_logfire_token", ""},
        {"aignostics_sentry_dsn", ""},
    };
    writer_begin_object(writer);
    writer_key_string(writer, "id", request->principal.organization_id);
    row_string(writer, "name", result, 0, ORGANIZATION_NAME);
    row_string(writer, "display_name", result, 0, ORGANIZATION_DISPLAY_NAME);
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        writer_key_string(writer, texts[i][0], texts[i][1]);
    }
    writer_end_object(writer);
}

static void render_me(Request *request, const PGresult *result, Response *response)
{
    static const char *const UNKNOWN[] = {"email_verified", "given_name", "family_name", "nickname",
                                          "picture"};
    const Principal *caller = &request->principal;
    JsonWriter writer;
    response_begin(response, 200, &writer);
    response->no_store = true;
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
    char *safe = arena_string(arena, text_of(path_name(name)));
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
    {"GET", "/v1/me", PERMISSION_USER, &GET_ME, bind_me, render_me, NULL, .learn = learn_bucket},
    {"POST", "/v1/uploads", PERMISSION_USER, NULL, bind_upload, NULL, NULL},
};
const size_t USER_ENDPOINT_COUNT = ARRAY_COUNT(USER_ENDPOINTS);
