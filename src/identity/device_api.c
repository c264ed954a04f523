/* SPDX-License-Identifier: Apache-2.0 */
/* Logins of devices without a browser (RFC 8628): the codes, and the page to confirm them. */
#include <ctype.h>
#include <stdlib.h>

#include "base/percent.h"
#include "http/rows.h"
#include "identity/clients.h"
#include "identity/form.h"
#include "identity/identity_api.h"
#include "identity/local_issuer.h"
#include "identity/login_page.h"
#include "identity/oauth_error.h"
#include "identity/pages.h"
#include "identity_sql.h"

/* 6.1: consonants alone make no words; twelve times 20 are the bytes that count evenly. */
#define CODE_LETTERS "BCDFGHJKLMNPQRSTVWXZ"

enum {
    CODE_LENGTH = 8,
    CODE_BYTES = CODE_LENGTH + 2, /* with a dash in its middle */
    CODE_VALUES = sizeof CODE_LETTERS - 1,
    EVEN_BYTES = 240,
    EXPIRES_SECONDS = 600, /* as in SQL */
    INTERVAL_SECONDS = 5,
    PATH_BYTES_MAX = 1024
};

static const Statement CREATE_DEVICE_CODE = {"create_device_code", SQL_CREATE_DEVICE_CODE,
                                             STATEMENT_WRITE, 4};
static const Statement FIND_SESSION = {"find_session_of_device", SQL_FIND_SESSION, STATEMENT_READ,
                                       1};
static const Statement DECIDE_DEVICE = {"decide_device", SQL_DECIDE_DEVICE, STATEMENT_WRITE, 3};

typedef struct DeviceCodes {
    Secret device;
    char user[CODE_BYTES];
} DeviceCodes;

static void make_user_code(const Clock *clock, char out[CODE_BYTES])
{
    for (int i = 0, place = 0; i < CODE_LENGTH; place++) {
        if (place == CODE_LENGTH / 2) {
            out[place] = '-';
            continue;
        }
        unsigned char byte = EVEN_BYTES;
        while (byte >= EVEN_BYTES) {
            clock_random_bytes(clock, &byte, 1);
        }
        out[place] = CODE_LETTERS[byte % CODE_VALUES];
        i++;
    }
    out[CODE_BYTES - 1] = '\0';
}

static size_t keep_letters(Text text, char out[CODE_LENGTH])
{
    size_t count = 0;
    for (size_t i = 0; i < text.length && count < CODE_LENGTH; i++) {
        int letter = toupper((unsigned char)text.bytes[i]);
        if (letter >= 'A' && letter <= 'Z') {
            out[count++] = (char)letter;
        }
    }
    return count;
}

/* However it was typed: letters count, in any case. */
static const char *hash_of_user_code(Request *request, Text code)
{
    char letters[CODE_LENGTH];
    SecretHash hash = secret_hash((Text){letters, keep_letters(code, letters)});
    return arena_string(&request->arena, text_of(hash.hex));
}

static const Statement *
bind_codes(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    if (!form_read(request)) {
        oauth_error(response, "invalid_request", FORM_REFUSED);
        return NULL;
    }
    const OauthClient *client = client_find(form_value(request, "client_id"));
    const char *scope = client_scope(form_value(request, "scope"));
    if (client == NULL || scope == NULL) {
        oauth_error(response, client == NULL ? "invalid_client" : "invalid_scope",
                    client == NULL ? "There is no such client." : "There is no such scope.");
        return NULL;
    }
    DeviceCodes *codes = arena_alloc(&request->arena, sizeof *codes);
    codes->device = secret_create(request->clock, "");
    make_user_code(request->clock, codes->user);
    SecretHash hash = secret_hash(text_of(codes->device.text));
    request->state = codes;
    parameters_add(parameters, arena_string(&request->arena, text_of(hash.hex)));
    parameters_add(parameters, hash_of_user_code(request, text_of(codes->user)));
    parameters_add(parameters, client->id);
    parameters_add(parameters, scope);
    return endpoint->statement;
}

static void render_codes(Request *request, const PGresult *result, Response *response)
{
    (void)result;
    const DeviceCodes *codes = request->state;
    const char *page = local_issuer_url(request, "oauth/device");
    JsonWriter writer;
    response_begin(response, 200, &writer);
    response->no_store = true;
    writer_begin_object(&writer);
    writer_key_string(&writer, "device_code", codes->device.text);
    writer_key_string(&writer, "user_code", codes->user);
    writer_key_string(&writer, "verification_uri", page);
    writer_key_string(&writer, "verification_uri_complete",
                      arena_format(&request->arena, "%s?user_code=%s", page, codes->user));
    writer_key_integer(&writer, "expires_in", EXPIRES_SECONDS);
    writer_key_integer(&writer, "interval", INTERVAL_SECONDS);
    writer_end_object(&writer);
}

static Text code_of(Request *request)
{
    Text code = form_value(request, "user_code");
    return code.length > 2 * CODE_LENGTH ? (Text){NULL, 0} : code;
}

static const Statement *
bind_page(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)response;
    parameters_add(parameters, session_hash(request));
    return endpoint->statement;
}

static void show_page(Request *request, Response *response, int status, const char *problem)
{
    const PageForm form = {
        .heading = "Connect a device",
        .text = "A program asks to act for you on this platform. Allow it only if you have just "
                "started it yourself and it shows you this code.",
        .action = "/oauth/device",
        .problem = problem};
    page_form_begin(request, response, status, &form);
    page_input(response, "user_code", "text", "Code", code_of(request));
    page_button(response, "decision", "allow", "Allow");
    page_button(response, "decision", "deny", "Deny");
    page_form_end(response);
}

static void show_login(Request *request, Response *response)
{
    AUTO_BUFFER next;
    buffer_init(&next, PATH_BYTES_MAX);
    buffer_string(&next, "/oauth/device?user_code=");
    percent_encode(&next, code_of(request));
    login_page(request, response, 200, text_of(arena_string(&request->arena, buffer_view(&next))),
               NULL);
}

static void render_page(Request *request, const PGresult *result, Response *response)
{
    if (row_value(result, 0, 0) == NULL) {
        show_login(request, response);
    } else {
        show_page(request, response, 200, NULL);
    }
}

static const Statement *
bind_decide(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    if (!page_form_read(request, response)) {
        return NULL;
    }
    parameters_add(parameters, session_hash(request));
    parameters_add(parameters, hash_of_user_code(request, code_of(request)));
    parameters_add(parameters, text_is(form_value(request, "decision"), "allow") ? "t" : "f");
    return endpoint->statement;
}

static void render_decide(Request *request, const PGresult *result, Response *response)
{
    enum { OUTCOME, CLIENT_ID, WAIT_SECONDS };
    Text outcome = text_of(row_value(result, 0, OUTCOME));
    const char *client_id = row_value(result, 0, CLIENT_ID);
    const OauthClient *client = client_id == NULL ? NULL : client_find(text_of(client_id));
    const char *who = client == NULL ? "The program" : client->name;
    if (text_is(outcome, "ALLOWED")) {
        page_message(request, response, 200, "Connected",
                     arena_format(&request->arena, "Allowed: %s. You can close this page.", who));
    } else if (text_is(outcome, "DENIED")) {
        page_message(request, response, 200, "Not connected",
                     arena_format(&request->arena, "Denied: %s. You can close this page.", who));
    } else if (text_is(outcome, "NO_SESSION")) {
        show_login(request, response);
    } else if (text_is(outcome, "WAIT")) {
        show_page(request, response, 429, "Too many wrong codes: wait a while.");
        response->retry_after_seconds = (int)strtol(row_value(result, 0, WAIT_SECONDS), NULL, 10);
    } else {
        show_page(request, response, 404, "This code is not known, or has expired.");
    }
}

const Endpoint DEVICE_ENDPOINTS[] = {
    {"POST", "/oauth/device/code", PERMISSION_PUBLIC, &CREATE_DEVICE_CODE, bind_codes, render_codes,
     NULL},
    {"GET", "/oauth/device", PERMISSION_PUBLIC, &FIND_SESSION, bind_page, render_page, NULL},
    {"POST", "/oauth/device", PERMISSION_PUBLIC, &DECIDE_DEVICE, bind_decide, render_decide, NULL},
};
const size_t DEVICE_ENDPOINT_COUNT = ARRAY_COUNT(DEVICE_ENDPOINTS);
