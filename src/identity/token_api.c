/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token endpoint: codes, refresh tokens and device codes for tokens. What may be had is decided
 * by one SQL function each; here it is signed.
 */
#include <openssl/sha.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/uuid.h"
#include "http/rows.h"
#include "identity/clients.h"
#include "identity/form.h"
#include "identity/identity_api.h"
#include "identity/local_issuer.h"
#include "identity/oauth_error.h"
#include "identity_sql.h"

enum { VERIFIER_CHARACTERS_MIN = 43, VERIFIER_CHARACTERS_MAX = 128 };

static const Statement REDEEM_CODE = {"redeem_code", SQL_REDEEM_CODE, STATEMENT_WRITE, 6};
static const Statement ROTATE_REFRESH_TOKEN = {"rotate_refresh_token", SQL_ROTATE_REFRESH_TOKEN,
                                               STATEMENT_WRITE, 3};
static const Statement POLL_DEVICE_CODE = {"poll_device_code", SQL_POLL_DEVICE_CODE,
                                           STATEMENT_WRITE, 4};
static const Statement REVOKE_REFRESH_TOKEN = {"revoke_refresh_token", SQL_REVOKE_REFRESH_TOKEN,
                                               STATEMENT_WRITE, 2};

/* What is made before the statement is asked. */
typedef struct Exchanged {
    const OauthClient *client;
    Secret refresh_token;
} Exchanged;

static const char *hash_in_arena(Request *request, Text secret)
{
    SecretHash hash = secret_hash(secret);
    return arena_string(&request->arena, text_of(hash.hex));
}

static const char *new_family(Request *request)
{
    Uuid id = uuid_create(request->clock);
    return arena_string(&request->arena, text_of(id.text));
}

/* RFC 7636, 4.6: BASE64URL(SHA256(verifier)); NULL: it is no verifier. */
static const char *challenge_of(Request *request)
{
    Text verifier = form_value(request, "code_verifier");
    if (verifier.length < VERIFIER_CHARACTERS_MIN || verifier.length > VERIFIER_CHARACTERS_MAX) {
        return NULL;
    }
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)verifier.bytes, verifier.length, digest);
    char *challenge = arena_alloc(&request->arena, BASE64_BYTES(sizeof digest));
    base64url_encode(digest, sizeof digest, challenge);
    return challenge;
}

static const Statement *
bind_code(Request *request, const Exchanged *made, Parameters *parameters, Response *response)
{
    Text code = form_value(request, "code");
    Text redirect_uri = form_value(request, "redirect_uri");
    const char *challenge = challenge_of(request);
    if (code.length == 0 || redirect_uri.length == 0 || challenge == NULL) {
        oauth_error(response, "invalid_request",
                    "code, redirect_uri and code_verifier are needed.");
        return NULL;
    }
    parameters_add(parameters, hash_in_arena(request, code));
    parameters_add(parameters, made->client->id);
    parameters_add(parameters, redirect_uri.bytes);
    parameters_add(parameters, challenge);
    parameters_add(parameters, new_family(request));
    parameters_add(parameters, hash_in_arena(request, text_of(made->refresh_token.text)));
    return &REDEEM_CODE;
}

static const Statement *
bind_refresh(Request *request, const Exchanged *made, Parameters *parameters, Response *response)
{
    Text token = form_value(request, "refresh_token");
    if (token.length == 0) {
        oauth_error(response, "invalid_request", "refresh_token is needed.");
        return NULL;
    }
    parameters_add(parameters, hash_in_arena(request, token));
    parameters_add(parameters, made->client->id);
    parameters_add(parameters, hash_in_arena(request, text_of(made->refresh_token.text)));
    return &ROTATE_REFRESH_TOKEN;
}

static const Statement *
bind_device(Request *request, const Exchanged *made, Parameters *parameters, Response *response)
{
    Text code = form_value(request, "device_code");
    if (code.length == 0) {
        oauth_error(response, "invalid_request", "device_code is needed.");
        return NULL;
    }
    parameters_add(parameters, hash_in_arena(request, code));
    parameters_add(parameters, made->client->id);
    parameters_add(parameters, new_family(request));
    parameters_add(parameters, hash_in_arena(request, text_of(made->refresh_token.text)));
    return &POLL_DEVICE_CODE;
}

static const Statement *
bind_token(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    static const struct {
        const char *name;
        const Statement *(*bind)(Request *, const Exchanged *, Parameters *, Response *);
    } GRANTS[] = {
        {"authorization_code", bind_code},
        {"refresh_token", bind_refresh},
        {"urn:ietf:params:oauth:grant-type:device_code", bind_device},
    };
    (void)endpoint;
    if (!form_read(request)) {
        oauth_error(response, "invalid_request", FORM_REFUSED);
        return NULL;
    }
    Exchanged *made = arena_alloc(&request->arena, sizeof *made);
    made->client = client_find(form_value(request, "client_id"));
    if (made->client == NULL) {
        oauth_error(response, "invalid_client", "There is no such client.");
        return NULL;
    }
    made->refresh_token = secret_create(request->clock, "slr_");
    request->state = made;
    Text grant = form_value(request, "grant_type");
    for (size_t i = 0; i < ARRAY_COUNT(GRANTS); i++) {
        if (text_is(grant, GRANTS[i].name)) {
            return GRANTS[i].bind(request, made, parameters, response);
        }
    }
    oauth_error(response, "unsupported_grant_type", "There is no such grant.");
    return NULL;
}

static bool has_scope(const PGresult *grant, const char *wanted)
{
    return form_has_word(text_of(row_value(grant, 0, GRANT_SCOPE)), wanted);
}

static void write_tokens(const Exchanged *made,
                         const PGresult *grant,
                         const char *access_token,
                         const char *id_token,
                         Response *response)
{
    JsonWriter writer;
    response_begin(response, 200, &writer);
    response->no_store = true;
    writer_begin_object(&writer);
    writer_key_string(&writer, "access_token", access_token);
    writer_key_string(&writer, "token_type", "Bearer");
    writer_key_integer(&writer, "expires_in", ACCESS_TOKEN_SECONDS);
    writer_key_string(&writer, "scope", row_value(grant, 0, GRANT_SCOPE));
    if (has_scope(grant, "offline_access")) {
        writer_key_string(&writer, "refresh_token", made->refresh_token.text);
    }
    if (id_token != NULL) {
        writer_key_string(&writer, "id_token", id_token);
    }
    writer_end_object(&writer);
}

static void render_token(Request *request, const PGresult *result, Response *response)
{
    const Exchanged *made = request->state;
    const char *outcome = row_value(result, 0, GRANT_OUTCOME);
    if (outcome == NULL || strcmp(outcome, "OK") != 0) {
        oauth_error(response, outcome == NULL ? "invalid_grant" : outcome,
                    "The code or token gives nothing, or not yet.");
        return;
    }
    AUTO_FREE char *access_token = NULL;
    AUTO_FREE char *id_token = NULL;
    Error error = {0};
    const char *client_id = made->client->id;
    if (!local_issuer_access_token(request, result, client_id, &access_token, &error) ||
        (has_scope(result, "openid") &&
         !local_issuer_id_token(request, result, client_id, &id_token, &error))) {
        log_error(LOG_ERROR, EVENT_TOKEN_NOT_SIGNED, &error);
        response_of_error(response, &error);
        return;
    }
    write_tokens(made, result, access_token, id_token, response);
}

/* RFC 7009, 2.2: an unknown token is no error. */
static const Statement *
bind_revoke(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    if (!form_read(request)) {
        oauth_error(response, "invalid_request", FORM_REFUSED);
        return NULL;
    }
    Text client_id = form_value(request, "client_id");
    Text token = form_value(request, "token");
    if (client_id.length == 0 || token.length == 0) {
        oauth_error(response, "invalid_request", "token and client_id are needed.");
        return NULL;
    }
    parameters_add(parameters, hash_in_arena(request, token));
    parameters_add(parameters, client_id.bytes);
    return endpoint->statement;
}

static void render_revoke(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    (void)result;
    response_null(response, 200);
}

const Endpoint TOKEN_ENDPOINTS[] = {
    {"POST", "/oauth/token", PERMISSION_PUBLIC, &REDEEM_CODE, bind_token, render_token, NULL},
    {"POST", "/oauth/revoke", PERMISSION_PUBLIC, &REVOKE_REFRESH_TOKEN, bind_revoke, render_revoke,
     NULL},
};
const size_t TOKEN_ENDPOINT_COUNT = ARRAY_COUNT(TOKEN_ENDPOINTS);
