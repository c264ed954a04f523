/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as a handler sees it: everything decoded, nothing of the HTTP library. Texts live in
 * the request's arena until the response is sent.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/principal.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"

enum { PATH_VALUES_MAX = 4, ADDRESS_BYTES = 46 };

typedef struct QueryValue {
    Text name;
    Text value;
} QueryValue;

/* The headers that the server acts upon; bytes == NULL: not sent. */
typedef struct RequestHeaders {
    Text authorization;
    Text content_length;
    Text transfer_encoding;
    Text accept;
    Text request_id;
    Text traceparent;
    Text if_none_match;
    Text idempotency_key;
    Text cookie;
} RequestHeaders;

typedef struct Request {
    Arena arena;
    const Clock *clock;
    const void *context; /* what the program gave to the server, see server.h */
    Text method;
    RequestHeaders headers;
    Text path_values[PATH_VALUES_MAX]; /* percent-decoded, in the order of {…} in the path */
    int path_value_count;
    QueryValue *query; /* decoded ('+' is a space), in their order */
    size_t query_count;
    Text body;
    char address[ADDRESS_BYTES]; /* of the peer, on a public endpoint; it may be a proxy's */
    Principal principal;         /* all empty on a public endpoint */
    void *state;                 /* what bind hands to render, in the arena */
} Request;

/* The first value of a query parameter; bytes == NULL when it is absent. */
Text request_query(const Request *request, const char *name);
/* The `index`-th value of a repeated one; bytes == NULL past the end. */
Text request_query_at(const Request *request, const char *name, size_t index);
