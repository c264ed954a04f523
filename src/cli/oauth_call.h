/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of a token issuer: documents by GET, forms by POST, JSON back. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

typedef struct FormField {
    const char *name;
    const char *value; /* NULL: left out */
} FormField;

/* "a=b&c=d", encoded. */
void form_encode(Buffer *out, const FormField *fields, size_t count);
/* POSTs the form. An answer below 500 is the caller's to judge: *answer_out (AUTO_JSON) is an
 * object, with "error" when it is none of success. */
MUST_CHECK bool oauth_post(
    const char *url, const FormField *fields, size_t count, json_t **answer_out, Error *error);
/* GETs a document of status 200, whose text goes into the buffer. */
MUST_CHECK bool oauth_get(const char *url, Buffer *body_out, Error *error);
/* An answer's "error_description" or "error" as our error; always false. */
bool oauth_refusal(const json_t *answer, Error *error);
