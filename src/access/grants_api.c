/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of grants; see grants_api.h. Who may change a run makes, sees and revokes its grants.
 */
#include "access/grants_api.h"

#include <string.h>

#include "access/caller.h"
#include "access_sql.h"
#include "base/uuid.h"
#include "http/fields.h"
#include "http/inputs.h"
#include "http/listing.h"
#include "http/outcome.h"
#include "http/rows.h"
#include "json/reader.h"

static const Statement CREATE_GRANT = {"create_grant", SQL_CREATE_GRANT, STATEMENT_WRITE, 8};
static const Statement LIST_GRANTS = {"list_grants", SQL_LIST_GRANTS, STATEMENT_FILTER, 13};
static const Statement GET_GRANT = {"get_grant", SQL_GET_GRANT, STATEMENT_READ, 4};
static const Statement REVOKE_GRANT = {"revoke_grant", SQL_REVOKE_GRANT, STATEMENT_WRITE, 4};

enum { SUBJECT_CHARACTERS_MAX = 255, EMAIL_CHARACTERS_MIN = 3 };

static const char *const RESOURCE_TYPES[] = {"run", "item", "output_artifact", "share_token", NULL};
static const char *const SUBJECT_TYPES[] = {"user", "organization_admin", "organization_user",
                                            "share_token", NULL};
static const char *const RELATIONS[] = {"owner", "editor", "viewer", NULL};

/* The columns of all statements of grants. */
enum {
    OUTCOME,
    GRANT_ID,
    RESOURCE_ID,
    SUBJECT_TYPE,
    SUBJECT_ID,
    RELATION,
    CREATED_BY,
    CREATED_AT,
    REVOKED
};

static void write_grant(JsonWriter *writer, const PGresult *result, int row)
{
    writer_begin_object(writer);
    row_string(writer, "grant_id", result, row, GRANT_ID);
    writer_key_string(writer, "resource_type", "run");
    row_string(writer, "resource_id", result, row, RESOURCE_ID);
    row_string(writer, "subject_type", result, row, SUBJECT_TYPE);
    row_string(writer, "subject_id", result, row, SUBJECT_ID);
    row_string(writer, "relation", result, row, RELATION);
    row_string(writer, "created_by", result, row, CREATED_BY);
    row_timestamp(writer, "created_at", result, row, CREATED_AT);
    row_bool(writer, "revoked", result, row, REVOKED);
    writer_end_object(writer);
}

/* The body of POST. */

typedef struct GrantRequest {
    const char *run_id;
    const char *subject_type;
    const char *subject_id;
    const char *subject_email;
} GrantRequest;

static bool is_given(const Fields *fields, const char *key)
{
    const json_t *value = json_object_get(fields->object, key);
    return value != NULL && !json_is_null(value);
}

/* A user is named by id or by e-mail, every other subject by id. */
static void read_subject(const Fields *fields, GrantRequest *grant)
{
    bool is_user = strcmp(grant->subject_type, "user") == 0;
    bool has_email = is_given(fields, "subject_email");
    const char *email = fields_string(fields, "subject_email", FIELD_OPTIONAL, EMAIL_CHARACTERS_MIN,
                                      SUBJECT_CHARACTERS_MAX);
    if (email != NULL && !is_user) {
        fields_problem(fields, "subject_email", "value_error", "Only a user has an e-mail address");
    } else if (email != NULL && strchr(email, '@') == NULL) {
        fields_problem(fields, "subject_email", "value_error",
                       "Input should be a valid e-mail address");
    } else if (email != NULL && is_given(fields, "subject_id")) {
        fields_problem(fields, "subject_email", "value_error",
                       "Give subject_id or subject_email, not both");
    }
    if (strcmp(grant->subject_type, "share_token") == 0) {
        grant->subject_id = fields_uuid(fields, "subject_id", FIELD_REQUIRED);
        return;
    }
    const char *id =
        fields_string(fields, "subject_id", has_email && is_user ? FIELD_OPTIONAL : FIELD_REQUIRED,
                      1, SUBJECT_CHARACTERS_MAX);
    Arena *arena = fields->problems->arena;
    grant->subject_id = id == NULL ? NULL : arena_string(arena, text_of(id));
    grant->subject_email = email == NULL ? NULL : arena_string(arena, text_of(email));
}

static void read_grant(Text body, GrantRequest *grant_out, Problems *problems)
{
    AUTO_JSON *root = NULL;
    *grant_out = (GrantRequest){.run_id = NULL};
    if (!fields_parse_body(body, &root, problems)) {
        return;
    }
    Fields fields = {.object = root, .location = "\"body\"", .problems = problems};
    const char *resource_type = fields_word(&fields, "resource_type", RESOURCE_TYPES);
    if (resource_type != NULL && strcmp(resource_type, "run") != 0) {
        fields_problem(&fields, "resource_type", "value_error", "Only runs can be shared");
    }
    grant_out->run_id = fields_uuid(&fields, "resource_id", FIELD_REQUIRED);
    const char *relation = fields_word(&fields, "relation", RELATIONS);
    if (relation != NULL && strcmp(relation, "viewer") != 0) {
        fields_problem(&fields, "relation", "value_error", "Only viewer grants can be created");
    }
    grant_out->subject_type = fields_word(&fields, "subject_type", SUBJECT_TYPES);
    if (grant_out->subject_type != NULL) {
        read_subject(&fields, grant_out);
    }
}

static const Statement *
bind_create(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    GrantRequest grant;
    read_grant(request->body, &grant, &problems);
    if (problems_refuse(&problems, response)) {
        return NULL;
    }
    Uuid grant_id = uuid_create(request->clock);
    parameters_add(parameters, arena_string(&request->arena, text_of(grant_id.text)));
    parameters_add(parameters, grant.run_id);
    parameters_add(parameters, grant.subject_type);
    parameters_add(parameters, grant.subject_id);
    parameters_add(parameters, grant.subject_email);
    caller_bind(request, parameters);
    return endpoint->statement;
}

static void render_create(Request *request, const PGresult *result, Response *response)
{
    static const Outcome REFUSALS[] = {
        {"NOT_FOUND", 404, "Run not found", PROBLEM_RUN_NOT_FOUND},
        {"FORBIDDEN", 403, "You do not have permission to share this run"},
        {"SHARE_TOKEN_NOT_FOUND", 404, "Share token not found"},
        {"SHARE_TOKEN_FORBIDDEN", 403, "You do not have permission to use this share token"},
        {NULL, 0, NULL},
    };
    if (outcome_refuse(REFUSALS, result, response)) {
        return;
    }
    if (strcmp(PQgetvalue(result, 0, OUTCOME), "SHARE_TOKEN_ENDED") == 0) {
        Problems problems;
        problems_init(&problems, &request->arena);
        problems_add(&problems, "value_error", "\"body\",\"subject_id\"",
                     "The share token is revoked or has expired", NULL);
        response_problems(response, 422, &problems);
        return;
    }
    JsonWriter writer;
    response_begin(response, 201, &writer);
    write_grant(&writer, result, 0);
}

static const Statement *
bind_list(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    static const char *const SORTABLE[] = {
        "grant_id", "resource_type", "resource_id", "subject_type", "subject_id",
        "relation", "created_by",    "created_at",  "revoked",      NULL};
    Problems problems;
    problems_init(&problems, &request->arena);
    Listing listing;
    listing_read(request, SORTABLE, &listing, &problems);
    input_check_words(request, "relation", RELATIONS, &problems);
    const char *filters[] = {input_word(request, "resource_type", RESOURCE_TYPES, &problems),
                             input_uuid(request, "resource_id", &problems),
                             input_word(request, "subject_type", SUBJECT_TYPES, &problems),
                             input_string(request, "subject_id"),
                             listing_array(request, "relation", &problems),
                             input_bool(request, "revoked", &problems)};
    if (problems_refuse(&problems, response)) {
        return NULL;
    }
    caller_bind(request, parameters);
    parameters_add_all(parameters, filters, ARRAY_COUNT(filters));
    listing_bind(&listing, &request->arena, parameters);
    return endpoint->statement;
}

static void render_list(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    rows_render(result, write_grant, response);
}

static const Statement *
bind_grant(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    parameters_add(parameters, input_path_uuid(request, 0, "grant_id", &problems));
    caller_bind(request, parameters);
    return problems_refuse(&problems, response) ? NULL : endpoint->statement;
}

static void render_grant(Request *request, const PGresult *result, Response *response)
{
    static const Outcome REFUSALS[] = {
        {"NOT_FOUND", 404, "Grant not found"},
        {"FORBIDDEN", 403, "You do not have permission to access this grant"},
        {"ALREADY_REVOKED", 409, "The grant is already revoked"},
        {NULL, 0, NULL},
    };
    (void)request;
    if (outcome_refuse(REFUSALS, result, response)) {
        return;
    }
    JsonWriter writer;
    response_begin(response, 200, &writer);
    write_grant(&writer, result, 0);
}

const Endpoint GRANT_ENDPOINTS[] = {
    {"POST", "/v1/access/grants", PERMISSION_USER, &CREATE_GRANT, bind_create, render_create, NULL},
    {"GET", "/v1/access/grants", PERMISSION_USER, &LIST_GRANTS, bind_list, render_list, NULL},
    {"GET", "/v1/access/grants/{grant_id}", PERMISSION_USER, &GET_GRANT, bind_grant, render_grant,
     NULL},
    {"DELETE", "/v1/access/grants/{grant_id}", PERMISSION_USER, &REVOKE_GRANT, bind_grant,
     render_grant, NULL},
};
const size_t GRANT_ENDPOINT_COUNT = ARRAY_COUNT(GRANT_ENDPOINTS);
