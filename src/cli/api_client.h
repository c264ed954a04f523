/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API as a client calls it: JSON in, JSON out, the token in the header. An answer that is no
 * success becomes an error with the server's own words.
 */
#pragma once
#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "cli/command.h"

typedef struct ApiClient {
    CURL *curl;
    char *url; /* "http://host:port", without a slash at its end */
    struct curl_slist *headers;
} ApiClient;

/* The platform's address: --url, else that of --data; AUTO_FREE. */
MUST_CHECK bool api_find_url(const Cli *cli, char **url_out, Error *error);
/* The token is SLIDEWAY_TOKEN, else one that is made for --as with the key in --data, else that of
 * the login at the address. */
MUST_CHECK bool api_open(const Cli *cli, ApiClient *client_out, Error *error);
void api_close(ApiClient *client);
#define AUTO_API CLEANUP(api_close) ApiClient

typedef struct ApiCall {
    const char *method;
    const char *path;   /* "/v1/runs", encoded */
    const json_t *body; /* NULL: none */
    /* Of a write that may be sent again when its answer was lost: it counts once. NULL: none. */
    const char *idempotency_key;
} ApiCall;

/* *answer_out is NULL when the answer has no body, or null; AUTO_JSON. */
MUST_CHECK bool api_call(ApiClient *client, const ApiCall *call, json_t **answer_out, Error *error);
MUST_CHECK bool api_get(ApiClient *client, const char *path, json_t **answer_out, Error *error);
