/* SPDX-License-Identifier: Apache-2.0 */
/* Matching paths; see router.h. */
#include "http/router.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/percent.h"

#define API_PREFIX "/api/"

enum { SEGMENTS_MAX = 10 };

typedef struct Segments {
    Text list[SEGMENTS_MAX];
    int count;
} Segments;

typedef struct Route {
    const Endpoint *endpoint;
    Segments segments; /* "{…}" takes any value */
} Route;

struct Router {
    size_t count;
    Route routes[];
};

static bool is_value(Text segment)
{
    return segment.length > 0 && segment.bytes[0] == '{';
}

/* False when there are too many. */
static bool split_path(Text path, Segments *segments_out)
{
    Text rest = text_from(path, 1);
    segments_out->count = 0;
    while (rest.bytes != NULL) {
        if (segments_out->count == SEGMENTS_MAX) {
            return false;
        }
        segments_out->list[segments_out->count++] = text_split(&rest, '/');
    }
    return true;
}

static bool same_shape(const Segments *a, const Segments *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (int i = 0; i < a->count; i++) {
        bool values = is_value(a->list[i]) && is_value(b->list[i]);
        if (!values && !text_equal(a->list[i], b->list[i])) {
            return false;
        }
    }
    return true;
}

static bool read_route(const Endpoint *endpoint, Route *route_out, Error *error)
{
    int values = 0;
    route_out->endpoint = endpoint;
    if (endpoint->path[0] != '/' || !split_path(text_of(endpoint->path), &route_out->segments)) {
        return error_set(error, ERROR_INTERNAL, "endpoint %s: the path is not valid",
                         endpoint->path);
    }
    for (int i = 0; i < route_out->segments.count; i++) {
        values += is_value(route_out->segments.list[i]) ? 1 : 0;
    }
    bool answers = endpoint->statement != NULL ? endpoint->render != NULL : endpoint->bind != NULL;
    if (endpoint->permission == PERMISSION_UNSET || !answers || values > PATH_VALUES_MAX) {
        return error_set(error, ERROR_INTERNAL, "endpoint %s %s: the row is not complete",
                         endpoint->method, endpoint->path);
    }
    return true;
}

static bool add_route(Router *router, const Endpoint *endpoint, Error *error)
{
    Route route;
    if (!read_route(endpoint, &route, error)) {
        return false;
    }
    for (size_t i = 0; i < router->count; i++) {
        if (strcmp(router->routes[i].endpoint->method, endpoint->method) == 0 &&
            same_shape(&router->routes[i].segments, &route.segments)) {
            return error_set(error, ERROR_INTERNAL, "endpoint %s %s: there are two of it",
                             endpoint->method, endpoint->path);
        }
    }
    router->routes[router->count++] = route;
    return true;
}

static size_t count_endpoints(const EndpointTable *tables, size_t table_count)
{
    size_t count = 0;
    for (size_t i = 0; i < table_count; i++) {
        count += tables[i].count;
    }
    return count;
}

bool router_create(const EndpointTable *tables,
                   size_t table_count,
                   Router **router_out,
                   Error *error)
{
    size_t count = count_endpoints(tables, table_count);
    Router *router = alloc_zeroed(1, sizeof *router + count * sizeof(Route));
    for (size_t i = 0; i < table_count; i++) {
        for (size_t k = 0; k < tables[i].count; k++) {
            if (!add_route(router, &tables[i].endpoints[k], error)) {
                router_destroy(router);
                return false;
            }
        }
    }
    *router_out = router;
    return true;
}

void router_destroy(Router *router)
{
    alloc_free(router);
}

char **router_name_operations(const EndpointTable *tables, size_t table_count, size_t *count_out)
{
    size_t count = 0;
    char **operations = alloc_array(count_endpoints(tables, table_count) + 1, sizeof(char *));
    operations[count++] = alloc_string("none");
    for (size_t i = 0; i < table_count; i++) {
        for (size_t k = 0; k < tables[i].count; k++) {
            const Endpoint *endpoint = &tables[i].endpoints[k];
            operations[count++] = alloc_format("%s %s", endpoint->method, endpoint->path);
        }
    }
    *count_out = count;
    return operations;
}

void router_forget_operations(char **operations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        alloc_free(operations[i]);
    }
    alloc_free(operations);
}

static void decode_segments(Segments *segments, Arena *arena)
{
    for (int i = 0; i < segments->count; i++) {
        Text *segment = &segments->list[i];
        if (segment->length == 0 || memchr(segment->bytes, '%', segment->length) == NULL) {
            continue;
        }
        char *decoded = arena_alloc(arena, segment->length + 1);
        segment->length = percent_decode(*segment, false, decoded);
        segment->bytes = decoded;
    }
}

static bool route_fits(const Route *route, const Segments *segments)
{
    if (route->segments.count != segments->count) {
        return false;
    }
    for (int i = 0; i < segments->count; i++) {
        Text wanted = route->segments.list[i];
        bool fits =
            is_value(wanted) ? segments->list[i].length > 0 : text_equal(wanted, segments->list[i]);
        if (!fits) {
            return false;
        }
    }
    return true;
}

/* Whether `a` has a word where `b`, so far the same, takes any value. */
static bool is_closer(const Route *a, const Route *b)
{
    for (int i = 0; i < a->segments.count; i++) {
        bool a_value = is_value(a->segments.list[i]);
        bool b_value = is_value(b->segments.list[i]);
        if (a_value != b_value) {
            return b_value;
        }
    }
    return false;
}

static void add_allowed(RouteMatch *match, const char *method)
{
    size_t length = strlen(match->allow);
    snprintf(match->allow + length, sizeof match->allow - length, "%s%s", length > 0 ? ", " : "",
             method);
}

static void
take_values(const Route *route, const Segments *segments, Arena *arena, RouteMatch *match)
{
    for (int i = 0; i < segments->count; i++) {
        if (!is_value(route->segments.list[i])) {
            continue;
        }
        Text value = segments->list[i];
        /* Handlers pass a value on as a string: a NUL stands behind it. */
        match->values[match->value_count++] = (Text){arena_string(arena, value), value.length};
        if (!text_is_utf8(value) || memchr(value.bytes, '\0', value.length) != NULL) {
            Text name = route->segments.list[i];
            match->bad_names[match->bad_count++] = (Text){name.bytes + 1, name.length - 2};
        }
    }
}

void router_match(const Router *router, Text method, Text path, Arena *arena, RouteMatch *match_out)
{
    *match_out = (RouteMatch){.endpoint = NULL};
    Segments segments;
    if (text_starts_with(path, API_PREFIX)) {
        path = text_from(path, sizeof API_PREFIX - 2);
    }
    if (path.length == 0 || path.bytes[0] != '/' || !split_path(path, &segments)) {
        return;
    }
    decode_segments(&segments, arena);
    const Route *best = NULL;
    for (size_t i = 0; i < router->count; i++) {
        const Route *route = &router->routes[i];
        if (!route_fits(route, &segments)) {
            continue;
        }
        if (!text_is(method, route->endpoint->method)) {
            add_allowed(match_out, route->endpoint->method);
            continue;
        }
        if (best == NULL || is_closer(route, best)) {
            best = route;
        }
    }
    if (best != NULL) {
        match_out->endpoint = best->endpoint;
        match_out->operation = (size_t)(best - router->routes) + 1;
        take_values(best, &segments, arena, match_out);
    }
}
