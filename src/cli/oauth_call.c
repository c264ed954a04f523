/* SPDX-License-Identifier: Apache-2.0 */
/* Calling a token issuer; see oauth_call.h. */
#include "cli/oauth_call.h"

#include "auth/fetch.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/percent.h"
#include "cli/transfer.h"
#include "json/reader.h"

enum { CONNECT_SECONDS = 10, CALL_SECONDS = 30, FORM_BYTES_MAX = 32768, STATUS_OK = 200 };
enum { STATUS_SERVER_ERROR = 500 };

void form_encode(Buffer *out, const FormField *fields, size_t count)
{
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        if (fields[i].value != NULL) {
            buffer_format(out, "%s%s=", is_first ? "" : "&", fields[i].name);
            percent_encode(out, text_of(fields[i].value));
            is_first = false;
        }
    }
}

/* `form` is NULL for a GET. */
static bool
call(const char *url, const Buffer *form, Buffer *body_out, long *status_out, Error *error)
{
    AUTO_CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return error_set(error, ERROR_INTERNAL, "libcurl does not start");
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)CALL_SECONDS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetch_keep_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body_out);
    if (form != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form->bytes);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)form->length);
    }
    transfer_go_direct(curl, url);
    CURLcode result = curl_easy_perform(curl);
    if (result != CURLE_OK) {
        return error_set(error, ERROR_UNAVAILABLE, "%s: %s", url, curl_easy_strerror(result));
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status_out);
    return true;
}

bool oauth_get(const char *url, Buffer *body_out, Error *error)
{
    long status = 0;
    if (!call(url, NULL, body_out, &status, error)) {
        return false;
    }
    return status == STATUS_OK ||
           error_set(error, ERROR_UNAVAILABLE, "%s answers with HTTP status %ld", url, status);
}

bool oauth_post(
    const char *url, const FormField *fields, size_t count, json_t **answer_out, Error *error)
{
    AUTO_BUFFER form;
    AUTO_BUFFER body;
    buffer_init(&form, FORM_BYTES_MAX);
    buffer_init(&body, JWKS_BYTES_MAX);
    form_encode(&form, fields, count);
    long status = 0;
    AUTO_JSON *answer = NULL;
    if (!call(url, &form, &body, &status, error)) {
        return false;
    }
    if (status >= STATUS_SERVER_ERROR) {
        return error_set(error, ERROR_UNAVAILABLE, "%s answers with HTTP status %ld", url, status);
    }
    if (!document_parse(buffer_view(&body), &answer, error)) {
        return error_context(error, "the answer of %s", url);
    }
    if (!json_is_object(answer) ||
        (status != STATUS_OK && document_string(answer, "error") == NULL)) {
        return error_set(error, ERROR_UNAVAILABLE, "%s answers with HTTP status %ld", url, status);
    }
    *answer_out = TAKE(answer);
    return true;
}

bool oauth_refusal(const json_t *answer, Error *error)
{
    const char *code = document_string(answer, "error");
    const char *description = document_string(answer, "error_description");
    return error_set(error, ERROR_UNAUTHORIZED, "the issuer refuses: %.100s%s%.200s",
                     code == NULL ? "its answer has no token" : code,
                     description == NULL ? "" : ": ", description == NULL ? "" : description);
}
