/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of share tokens; see share_tokens_api.h. */
#include "access/share_tokens_api.h"

#include "access/caller.h"
#include "access/share_token.h"
#include "access_sql.h"
#include "base/uuid.h"
#include "http/fields.h"
#include "http/inputs.h"
#include "http/listing.h"
#include "http/outcome.h"
#include "http/rows.h"
#include "json/reader.h"

static const Statement CREATE_SHARE_TOKEN = {"create_share_token", SQL_CREATE_SHARE_TOKEN,
                                             STATEMENT_WRITE, 5};
static const Statement LIST_SHARE_TOKENS = {"list_share_tokens", SQL_LIST_SHARE_TOKENS,
                                            STATEMENT_FILTER, 9};
static const Statement GET_SHARE_TOKEN = {"get_share_token", SQL_GET_SHARE_TOKEN, STATEMENT_READ,
                                          3};
static const Statement REVOKE_SHARE_TOKEN = {"revoke_share_token", SQL_REVOKE_SHARE_TOKEN,
                                             STATEMENT_WRITE, 3};

/* The columns of all statements of share tokens. */
enum { OUTCOME, SHARE_TOKEN_ID, CREATED_AT, EXPIRES_AT, REVOKED };

/* The secret is NULL but in the answer that shows it. */
static void
write_with_secret(JsonWriter *writer, const PGresult *result, int row, const char *secret)
{
    writer_begin_object(writer);
    row_string(writer, "share_token_id", result, row, SHARE_TOKEN_ID);
    if (secret != NULL) {
        writer_key_string(writer, "share_token", secret);
    }
    row_timestamp(writer, "created_at", result, row, CREATED_AT);
    row_timestamp(writer, "expires_at", result, row, EXPIRES_AT);
    row_bool(writer, "revoked", result, row, REVOKED);
    writer_end_object(writer);
}

static void write_share_token(JsonWriter *writer, const PGresult *result, int row)
{
    write_with_secret(writer, result, row, NULL);
}

/* NULL: it does not expire. */
static const char *read_expiry(Request *request, Problems *problems)
{
    AUTO_JSON *root = NULL;
    if (!fields_parse_body(request->body, &root, problems)) {
        return NULL;
    }
    Fields fields = {.object = root, .location = "\"body\"", .problems = problems};
    return fields_future(&fields, "expires_at", clock_now_us(request->clock));
}

static const Statement *
bind_create(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    const char *expiry = read_expiry(request, &problems);
    if (problems_refuse(&problems, response)) {
        return NULL;
    }
    Uuid id = uuid_create(request->clock);
    Secret token = share_token_create(request->clock);
    request->state = arena_string(&request->arena, text_of(token.text));
    parameters_add(parameters, arena_string(&request->arena, text_of(id.text)));
    parameters_add(parameters, share_token_hash(text_of(token.text), &request->arena));
    parameters_add(parameters, expiry);
    parameters_add(parameters, request->principal.user_id);
    parameters_add(parameters, request->principal.organization_id);
    return endpoint->statement;
}

static void render_create(Request *request, const PGresult *result, Response *response)
{
    JsonWriter writer;
    response_begin(response, 201, &writer);
    response->no_store = true;
    write_with_secret(&writer, result, 0, request->state);
}

static const Statement *
bind_list(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    static const char *const SORTABLE[] = {"share_token_id", "created_at", "expires_at", "revoked",
                                           NULL};
    Problems problems;
    problems_init(&problems, &request->arena);
    Listing listing;
    listing_read(request, SORTABLE, &listing, &problems);
    const char *filters[] = {input_uuid(request, "run_id", &problems),
                             input_string(request, "created_by"),
                             input_bool(request, "revoked", &problems)};
    if (problems_refuse(&problems, response)) {
        return NULL;
    }
    parameters_add(parameters, request->principal.user_id);
    parameters_add(parameters, role_name(request->principal.role));
    parameters_add_all(parameters, filters, ARRAY_COUNT(filters));
    listing_bind(&listing, &request->arena, parameters);
    return endpoint->statement;
}

static void render_list(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    rows_render(result, write_share_token, response);
}

static const Statement *bind_share_token(const Endpoint *endpoint,
                                         Request *request,
                                         Parameters *parameters,
                                         Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    parameters_add(parameters, input_path_uuid(request, 0, "share_token_id", &problems));
    parameters_add(parameters, request->principal.user_id);
    parameters_add(parameters, role_name(request->principal.role));
    return problems_refuse(&problems, response) ? NULL : endpoint->statement;
}

static void render_share_token(Request *request, const PGresult *result, Response *response)
{
    static const Outcome REFUSALS[] = {
        {"NOT_FOUND", 404, "Share token not found"},
        {"FORBIDDEN", 403, "You do not have permission to access this share token"},
        {"ALREADY_REVOKED", 409, "The share token is already revoked"},
        {NULL, 0, NULL},
    };
    (void)request;
    if (outcome_refuse(REFUSALS, result, response)) {
        return;
    }
    JsonWriter writer;
    response_begin(response, 200, &writer);
    write_share_token(&writer, result, 0);
}

const Endpoint SHARE_TOKEN_ENDPOINTS[] = {
    {"POST", "/v1/access/share-tokens", PERMISSION_USER, &CREATE_SHARE_TOKEN, bind_create,
     render_create, NULL},
    {"GET", "/v1/access/share-tokens", PERMISSION_USER, &LIST_SHARE_TOKENS, bind_list, render_list,
     NULL},
    {"GET", "/v1/access/share-tokens/{share_token_id}", PERMISSION_USER, &GET_SHARE_TOKEN,
     bind_share_token, render_share_token, NULL},
    {"DELETE", "/v1/access/share-tokens/{share_token_id}", PERMISSION_USER, &REVOKE_SHARE_TOKEN,
     bind_share_token, render_share_token, NULL},
};
const size_t SHARE_TOKEN_ENDPOINT_COUNT = ARRAY_COUNT(SHARE_TOKEN_ENDPOINTS);
