/* SPDX-License-Identifier: Apache-2.0 */
/* Reading forms and cookies; see form.h. */
#include "identity/form.h"

#include "http/query.h"
#include "identity/local_issuer.h"

/* The prefix lets a browser keep it only from https, for this host and all of its paths. */
#define PLAIN_COOKIE "slideway_session"
#define SECURE_COOKIE "__Host-slideway_session"

bool form_is_sound(const Request *request)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (request->query[i].value.length > FORM_VALUE_BYTES_MAX) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (text_equal(request->query[i].name, request->query[k].name)) {
                return false;
            }
        }
    }
    return true;
}

bool form_read(Request *request)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    query_parse(request->body, request, &problems);
    return problems.count == 0 && form_is_sound(request);
}

Text form_value(Request *request, const char *name)
{
    Text value = request_query(request, name);
    if (value.length == 0 || value.length > FORM_VALUE_BYTES_MAX) {
        return (Text){NULL, 0};
    }
    return (Text){arena_string(&request->arena, value), value.length};
}

bool form_has_word(Text words, const char *wanted)
{
    while (words.bytes != NULL) {
        if (text_is(text_split(&words, ' '), wanted)) {
            return true;
        }
    }
    return false;
}

static const char *cookie_name(const Request *request)
{
    return local_issuer_of(request)->is_https ? SECURE_COOKIE : PLAIN_COOKIE;
}

Text session_secret(const Request *request)
{
    Text rest = request->headers.cookie;
    while (rest.bytes != NULL) {
        Text value = text_split(&rest, ';');
        Text name = text_trim(text_split(&value, '='));
        if (text_is(name, cookie_name(request)) && value.bytes != NULL) {
            value = text_trim(value);
            return value.length < SECRET_BYTES ? value : TEXT("");
        }
    }
    return TEXT("");
}

const char *session_hash(Request *request)
{
    SecretHash hash = secret_hash(session_secret(request));
    return arena_string(&request->arena, text_of(hash.hex));
}

static void set_cookie(Request *request, Response *response, const char *value, const char *more)
{
    response->set_cookie = arena_format(
        &request->arena, "%s=%s; Path=/; HttpOnly; SameSite=Lax%s%s", cookie_name(request), value,
        local_issuer_of(request)->is_https ? "; Secure" : "", more);
}

void session_set(Request *request, Response *response, const Secret *secret)
{
    set_cookie(request, response, secret->text, "");
}

Text session_renew(Request *request, Response *response)
{
    Secret secret = secret_create(request->clock, "");
    session_set(request, response, &secret);
    return text_of(arena_string(&request->arena, text_of(secret.text)));
}

void session_forget(Request *request, Response *response)
{
    set_cookie(request, response, "", "; Max-Age=0");
}

/* The cookie is out of a page's reach, and the token does not lead back to it. */
const char *csrf_token(Request *request, Text secret)
{
    SecretHash hash =
        secret_hash(text_of(arena_format(&request->arena, "form %.*s", TEXT_ARGUMENTS(secret))));
    return arena_string(&request->arena, text_of(hash.hex));
}

bool csrf_fits(Request *request)
{
    Text secret = session_secret(request);
    return secret.length > 0 &&
           secret_equal(form_value(request, "csrf"), text_of(csrf_token(request, secret)));
}
