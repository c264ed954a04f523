/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router: from method and raw path to an endpoint. A path is split on '/' before it is
 * percent-decoded, so that an encoded slash is data of its segment.
 */
#pragma once
#include "http/endpoint.h"

/* Endpoints of one feature. */
typedef struct EndpointTable {
    const Endpoint *endpoints;
    size_t count;
} EndpointTable;

typedef struct Router Router;

/* Refuses rows without a permission, without a way to answer, and two rows for the same path and
 * method: our own mistakes, found at start-up. */
MUST_CHECK bool
router_create(const EndpointTable *tables, size_t table_count, Router **router_out, Error *error);
void router_destroy(Router *router);

/* What requests are counted by: "none", then "GET /v1/runs", … in the order of the tables. Each and
 * the list are the caller's, see router_forget_operations. */
MUST_CHECK char **
router_name_operations(const EndpointTable *tables, size_t table_count, size_t *count_out);
void router_forget_operations(char **operations, size_t count);

enum { ALLOW_BYTES = 64 };

typedef struct RouteMatch {
    const Endpoint *endpoint; /* NULL: none */
    size_t operation;         /* of router_name_operations */
    char allow[ALLOW_BYTES];  /* the methods that the path has ("GET, PUT"); empty: unknown path */
    Text values[PATH_VALUES_MAX];
    int value_count;
    Text bad_names[PATH_VALUES_MAX]; /* of the values that hold a NUL or no UTF-8 */
    int bad_count;
} RouteMatch;

/* `path` begins with '/', without the query; "/api/v1/…" is the same as "/v1/…". */
void router_match(
    const Router *router, Text method, Text path, Arena *arena, RouteMatch *match_out);
