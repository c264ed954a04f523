/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the API; see api_client.h. */
#include "cli/api_client.h"

#include <string.h>

#include "auth/fetch.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "cli/endpoint.h"
#include "cli/login.h"
#include "cli/token.h"
#include "cli/transfer.h"
#include "json/reader.h"

enum { CONNECT_SECONDS = 10, CALL_SECONDS = 60 };

bool api_find_url(const Cli *cli, char **url_out, Error *error)
{
    if (cli->url != NULL) {
        *url_out = alloc_string(cli->url);
    } else if (cli->data != NULL) {
        AUTO_ENDPOINT endpoint = {0};
        if (!endpoint_read(cli->data, &endpoint, error)) {
            return false;
        }
        *url_out = TAKE(endpoint.api_url);
    } else {
        return error_set(error, ERROR_INVALID,
                         "name the platform with --url URL (SLIDEWAY_URL) or --data DIR "
                         "(SLIDEWAY_DATA)");
    }
    size_t length = strlen(*url_out);
    while (length > 0 && (*url_out)[length - 1] == '/') {
        (*url_out)[--length] = '\0';
    }
    return true;
}

/* A platform whose tokens come from elsewhere has no key to make one with. */
static bool makes_tokens(const Cli *cli)
{
    AUTO_ENDPOINT endpoint = {0};
    Error none = {0};
    return cli->data != NULL &&
           (!endpoint_read(cli->data, &endpoint, &none) || endpoint_is_issuer(&endpoint));
}

static bool find_token(const Cli *cli, const char *url, char **token_out, Error *error)
{
    if (cli->token != NULL) {
        *token_out = alloc_string(cli->token);
        return true;
    }
    if (!makes_tokens(cli)) {
        return login_token(cli, url, token_out, error);
    }
    TokenRequest request = {
        .user_id = cli->as_user != NULL ? cli->as_user : FIRST_USER_ID,
        .lifetime_seconds = TOKEN_LIFETIME_SECONDS,
    };
    return token_make(cli, &request, token_out, error);
}

bool api_open(const Cli *cli, ApiClient *client_out, Error *error)
{
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *token = NULL;
    if (!api_find_url(cli, &url, error) || !find_token(cli, url, &token, error)) {
        return false;
    }
    AUTO_FREE char *authorization = alloc_format("Authorization: Bearer %s", token);
    client_out->curl = curl_easy_init();
    if (client_out->curl == NULL) {
        return error_set(error, ERROR_INTERNAL, "libcurl does not start");
    }
    client_out->headers = curl_slist_append(NULL, authorization);
    client_out->headers = curl_slist_append(client_out->headers, "Content-Type: application/json");
    client_out->url = TAKE(url);
    return true;
}

void api_close(ApiClient *client)
{
    curl_easy_cleanup(client->curl);
    curl_slist_free_all(client->headers);
    alloc_free(client->url);
    *client = (ApiClient){0};
}

static ErrorCode code_of_status(long status)
{
    switch (status) {
    case 401:
        return ERROR_UNAUTHORIZED;
    case 403:
        return ERROR_FORBIDDEN;
    case 404:
        return ERROR_NOT_FOUND;
    case 409:
    case 412:
        return ERROR_CONFLICT;
    case 410:
        return ERROR_GONE;
    case 402:
    case 413:
        return ERROR_LIMIT;
    case 429:
        return ERROR_UNAVAILABLE;
    default:
        return status >= 500 ? ERROR_UNAVAILABLE : ERROR_INVALID;
    }
}

/* "items 0 external_id: must be unique": the first of the field errors. */
static void describe_problem(const json_t *problem, Buffer *out)
{
    size_t index = 0;
    const json_t *part = NULL;
    json_array_foreach(json_object_get(problem, "loc"), index, part)
    {
        if (json_is_integer(part)) {
            buffer_format(out, "%lld ", (long long)json_integer_value(part));
        } else if (index > 0) {
            buffer_format(out, "%s ", json_string_value(part));
        }
    }
    const char *message = document_string(problem, "msg");
    buffer_format(out, "%s%s", out->length > 0 ? "- " : "", message == NULL ? "" : message);
}

/* The error that a status with this body stands for. Always returns false. */
static bool api_refusal(long status, const char *body, Error *error)
{
    AUTO_JSON *root = json_loads(body, JSON_DECODE_ANY, NULL);
    const json_t *detail = json_object_get(root, "detail");
    AUTO_BUFFER text;
    buffer_init(&text, ERROR_MESSAGE_SHOWN_MAX);
    if (json_is_string(detail)) {
        buffer_string(&text, json_string_value(detail));
    } else if (json_array_size(detail) > 0) {
        describe_problem(json_array_get(detail, 0), &text);
        if (json_array_size(detail) > 1) {
            buffer_format(&text, " (and %zu more)", json_array_size(detail) - 1);
        }
    } else {
        buffer_string(&text, "the server gave no reason");
    }
    return error_set(error, code_of_status(status), "%s (%ld)", buffer_to_string(&text), status);
}

static void prepare(ApiClient *client, const ApiCall *call, const char *url, Buffer *answer)
{
    curl_easy_reset(client->curl);
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(client->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, (long)CALL_SECONDS);
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, fetch_keep_body);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, answer);
    transfer_go_direct(client->curl, url);
}

static inline void cleanup_headers(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}
#define AUTO_HEADERS CLEANUP(cleanup_headers) struct curl_slist

/* A copy of the headers with one more. */
static struct curl_slist *
headers_with(const struct curl_slist *headers, const char *name, const char *value)
{
    AUTO_FREE char *line = alloc_format("%s: %s", name, value);
    struct curl_slist *copy = NULL;
    for (; headers != NULL; headers = headers->next) {
        copy = curl_slist_append(copy, headers->data);
    }
    return curl_slist_append(copy, line);
}

bool api_call(ApiClient *client, const ApiCall *call, json_t **answer_out, Error *error)
{
    AUTO_BUFFER answer;
    buffer_init(&answer, RESPONSE_BYTES_MAX);
    AUTO_FREE char *url = alloc_format("%s/api%s", client->url, call->path);
    AUTO_FREE char *body = call->body == NULL ? NULL : document_to_string(call->body);
    prepare(client, call, url, &answer);
    AUTO_HEADERS *keyed = NULL;
    if (call->idempotency_key != NULL) {
        keyed = headers_with(client->headers, "Idempotency-Key", call->idempotency_key);
        curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, keyed);
    }
    if (body != NULL) {
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    }
    CURLcode result = curl_easy_perform(client->curl);
    if (result != CURLE_OK) {
        return error_set(error, ERROR_UNAVAILABLE, "the platform at %s does not answer: %s",
                         client->url, curl_easy_strerror(result));
    }
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) {
        return api_refusal(status, buffer_to_string(&answer), error);
    }
    json_t *root = NULL;
    bool is_empty = answer.length == 0 || text_is(buffer_view(&answer), "null");
    if (!is_empty && !document_parse(buffer_view(&answer), &root, error)) {
        return error_context(error, "the answer of %s", client->url);
    }
    *answer_out = root;
    return true;
}

bool api_get(ApiClient *client, const char *path, json_t **answer_out, Error *error)
{
    ApiCall call = {.method = "GET", .path = path};
    return api_call(client, &call, answer_out, error);
}
