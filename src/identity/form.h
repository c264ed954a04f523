/* SPDX-License-Identifier: Apache-2.0 */
/* Forms that browsers and clients send, and the cookie of a browser. */
#pragma once
#include "auth/secret.h"
#include "http/endpoint.h"

/* What a value of a form may have. */
enum { FORM_VALUE_BYTES_MAX = 4096 };

#define FORM_REFUSED "The body is no form, or a field comes twice or is too long."

/* Puts the body's fields in place of the query's; false: it is no form, a field comes twice
 * (RFC 6749, 3.1: "parameters MUST NOT be included more than once"), or one is too long. */
MUST_CHECK bool form_read(Request *request);
/* The same check for what came in the query. */
MUST_CHECK bool form_is_sound(const Request *request);
/* A field with a NUL behind it, in the arena; bytes == NULL: it is missing, empty or too long. */
Text form_value(Request *request, const char *name);

/* Whether a list with spaces between its words ("openid email") has this one. */
bool form_has_word(Text words, const char *wanted);

/* The session's secret, from the cookie; empty: there is none. */
Text session_secret(const Request *request);
/* Its hash, in the arena. */
const char *session_hash(Request *request);
/* A new secret for the browser, as a cookie of the response; the secret is in the arena. */
Text session_renew(Request *request, Response *response);
/* The session of somebody who has signed in: another secret than before, so that nobody can have
 * planted it. */
void session_set(Request *request, Response *response, const Secret *secret);
void session_forget(Request *request, Response *response);

/* What a form carries to show that one of our pages made it for this browser; in the arena. */
const char *csrf_token(Request *request, Text secret);
MUST_CHECK bool csrf_fits(Request *request);
