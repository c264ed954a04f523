/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authorisation endpoint (RFC 6749, 4.1; RFC 7636; RFC 8252): who is signed in is asked whether
 * the client may act for them, each time, since any program of the machine can pose as a client.
 */
#include "base/percent.h"
#include "http/rows.h"
#include "identity/clients.h"
#include "identity/form.h"
#include "identity/identity_api.h"
#include "identity/local_issuer.h"
#include "identity/login_page.h"
#include "identity/pages.h"
#include "identity_sql.h"

enum { CHALLENGE_CHARACTERS = 43, STATE_BYTES_MAX = 1024, LOCATION_BYTES_MAX = 8192 };

static const Statement FIND_SESSION = {"find_session_of_client", SQL_FIND_SESSION, STATEMENT_READ,
                                       1};
static const Statement ALLOW_CLIENT = {"allow_client", SQL_ALLOW_CLIENT, STATEMENT_WRITE, 7};

typedef struct Authorization {
    const OauthClient *client;
    Text redirect_uri;
    Text state;
    Text challenge;
    Text nonce;
    const char *scope;
    const char *error; /* for the client; NULL: none */
    Text code;         /* that was made for the client */
} Authorization;

static bool is_challenge(Text text)
{
    static const char CHARACTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return text.length == CHALLENGE_CHARACTERS && strspn(text.bytes, CHARACTERS) == text.length;
}

/* What would change what the client gets, and is not there (OpenID Connect Core, 3.1.2.6). */
static const char *unsupported(Request *request)
{
    Text mode = form_value(request, "response_mode");
    if (form_value(request, "request").length > 0) {
        return "request_not_supported";
    }
    if (form_value(request, "request_uri").length > 0) {
        return "request_uri_not_supported";
    }
    return mode.length == 0 || text_is(mode, "query") ? NULL : "invalid_request";
}

static const char *error_of(Request *request, const Authorization *authorization)
{
    if (!form_is_sound(request)) {
        return "invalid_request";
    }
    const char *missing = unsupported(request);
    if (missing != NULL) {
        return missing;
    }
    /* 3.1.2.1: then no page may be shown, but each login asks for consent. */
    if (form_has_word(form_value(request, "prompt"), "none")) {
        return "interaction_required";
    }
    if (!text_is(form_value(request, "response_type"), "code")) {
        return "unsupported_response_type";
    }
    if (!is_challenge(authorization->challenge) ||
        !text_is(form_value(request, "code_challenge_method"), "S256")) {
        return "invalid_request";
    }
    return authorization->scope == NULL ? "invalid_scope" : NULL;
}

/* Until client and redirect are known to belong together, nothing is sent there: NULL, and a page
 * says so. */
static Authorization *read_authorization(Request *request, Response *response)
{
    Authorization *read = arena_alloc(&request->arena, sizeof *read);
    read->client = client_find(form_value(request, "client_id"));
    read->redirect_uri = form_value(request, "redirect_uri");
    if (read->client == NULL || !client_may_redirect(read->client, read->redirect_uri)) {
        page_message(request, response, 400, "This link cannot be used",
                     read->client == NULL ? "No client of this name is registered here."
                                          : "The client has not registered this redirect address.");
        return NULL;
    }
    read->state = form_value(request, "state");
    read->challenge = form_value(request, "code_challenge");
    read->nonce = form_value(request, "nonce");
    if (request_query(request, "state").length > STATE_BYTES_MAX ||
        request_query(request, "nonce").length > STATE_BYTES_MAX) {
        page_message(request, response, 400, "This link cannot be used", "It is too long.");
        return NULL;
    }
    read->scope = client_scope(form_value(request, "scope"));
    read->error = error_of(request, read);
    return read;
}

static void add_parameter(Buffer *out, const char *name, Text value)
{
    if (value.length > 0) {
        char last = out->length == 0 ? '?' : out->bytes[out->length - 1];
        buffer_format(out, "%s%s=", last == '?' ? "" : "&", name);
        percent_encode(out, value);
    }
}

static void redirect_to_client(Request *request,
                               Response *response,
                               const Authorization *authorization,
                               const char *name,
                               const char *value)
{
    AUTO_BUFFER location;
    buffer_init(&location, LOCATION_BYTES_MAX);
    buffer_format(&location, "%.*s?", TEXT_ARGUMENTS(authorization->redirect_uri));
    add_parameter(&location, name, text_of(value));
    add_parameter(&location, "state", authorization->state);
    response_see_other(response, arena_string(&request->arena, buffer_view(&location)));
}

/* This very request, to come back to after the login. */
static Text path_of(Request *request, const Authorization *authorization)
{
    AUTO_BUFFER path;
    buffer_init(&path, LOCATION_BYTES_MAX);
    buffer_string(&path, "/authorize?");
    add_parameter(&path, "response_type", TEXT("code"));
    add_parameter(&path, "client_id", text_of(authorization->client->id));
    add_parameter(&path, "redirect_uri", authorization->redirect_uri);
    add_parameter(&path, "code_challenge", authorization->challenge);
    add_parameter(&path, "code_challenge_method", TEXT("S256"));
    add_parameter(&path, "scope", text_of(authorization->scope));
    add_parameter(&path, "state", authorization->state);
    add_parameter(&path, "nonce", authorization->nonce);
    return text_of(arena_string(&request->arena, buffer_view(&path)));
}

static const Statement *
bind_ask(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    Authorization *authorization = read_authorization(request, response);
    if (authorization == NULL) {
        return NULL;
    }
    if (authorization->error != NULL) {
        redirect_to_client(request, response, authorization, "error", authorization->error);
        return NULL;
    }
    request->state = authorization;
    parameters_add(parameters, session_hash(request));
    return endpoint->statement;
}

static void
ask(Request *request, Response *response, const Authorization *authorization, const char *user)
{
    const OauthClient *client = authorization->client;
    const PageForm form = {
        .heading = "Allow access",
        .text = arena_format(&request->arena,
                             "You are signed in as %s. May %s act for you on this platform?", user,
                             client->name),
        .action = "/authorize",
        .redirect_origin = arena_string(
            &request->arena, (Text){authorization->redirect_uri.bytes,
                                    authorization->redirect_uri.length - strlen(client->path)}),
    };
    page_form_begin(request, response, 200, &form);
    page_hidden(response, "response_type", TEXT("code"));
    page_hidden(response, "client_id", text_of(client->id));
    page_hidden(response, "redirect_uri", authorization->redirect_uri);
    page_hidden(response, "code_challenge", authorization->challenge);
    page_hidden(response, "code_challenge_method", TEXT("S256"));
    page_hidden(response, "scope", text_of(authorization->scope));
    page_hidden(response, "state", authorization->state);
    page_hidden(response, "nonce", authorization->nonce);
    page_button(response, "decision", "allow", "Allow");
    page_button(response, "decision", "deny", "Deny");
    page_form_end(response);
}

static void render_ask(Request *request, const PGresult *result, Response *response)
{
    const Authorization *authorization = request->state;
    const char *user = row_value(result, 0, 0);
    if (user == NULL) {
        login_page(request, response, 200, path_of(request, authorization), NULL);
    } else {
        ask(request, response, authorization, user);
    }
}

static const Statement *
bind_decide(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    if (!page_form_read(request, response)) {
        return NULL;
    }
    Authorization *authorization = read_authorization(request, response);
    if (authorization == NULL) {
        return NULL;
    }
    bool is_allowed = text_is(form_value(request, "decision"), "allow");
    if (authorization->error != NULL || !is_allowed) {
        redirect_to_client(request, response, authorization, "error",
                           authorization->error != NULL ? authorization->error : "access_denied");
        return NULL;
    }
    Secret code = secret_create(request->clock, "");
    SecretHash hash = secret_hash(text_of(code.text));
    authorization->code = text_of(arena_string(&request->arena, text_of(code.text)));
    request->state = authorization;
    parameters_add(parameters, session_hash(request));
    parameters_add(parameters, arena_string(&request->arena, text_of(hash.hex)));
    parameters_add(parameters, authorization->client->id);
    parameters_add(parameters, authorization->redirect_uri.bytes);
    parameters_add(parameters, authorization->challenge.bytes);
    parameters_add(parameters, authorization->scope);
    parameters_add(parameters, authorization->nonce.bytes);
    return endpoint->statement;
}

static void render_decide(Request *request, const PGresult *result, Response *response)
{
    const Authorization *authorization = request->state;
    if (text_is(text_of(row_value(result, 0, 0)), "t")) {
        redirect_to_client(request, response, authorization, "code", authorization->code.bytes);
    } else {
        response_see_other(response, path_of(request, authorization).bytes);
    }
}

const Endpoint AUTHORIZE_ENDPOINTS[] = {
    {"GET", "/authorize", PERMISSION_PUBLIC, &FIND_SESSION, bind_ask, render_ask, NULL},
    {"POST", "/authorize", PERMISSION_PUBLIC, &ALLOW_CLIENT, bind_decide, render_decide, NULL},
};
const size_t AUTHORIZE_ENDPOINT_COUNT = ARRAY_COUNT(AUTHORIZE_ENDPOINTS);
