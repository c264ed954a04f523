/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and methods to endpoints. */
#include "unit_test.h"

#include "http/router.h"

static const Statement *
answer(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)endpoint;
    (void)request;
    (void)parameters;
    (void)response;
    return NULL;
}

#define ROW(endpoint_method, endpoint_path)                                                        \
    {                                                                                              \
        .method = (endpoint_method), .path = (endpoint_path), .permission = PERMISSION_USER,       \
        .bind = answer                                                                             \
    }

static const Endpoint ROWS[] = {
    ROW("GET", "/health"),
    ROW("GET", "/v1/runs"),
    ROW("POST", "/v1/runs"),
    ROW("GET", "/v1/runs/{run_id}"),
    ROW("GET", "/v1/runs/{run_id}/items/{external_id}"),
    ROW("GET", "/v1/runs/latest"),
    ROW("PUT", "/v1/runs/{run_id}/custom-metadata"),
};

static Arena arena;
static Router *router;

static int make_router(void **state)
{
    (void)state;
    Error error = {0};
    const EndpointTable table = {ROWS, sizeof ROWS / sizeof ROWS[0]};
    return router_create(&table, 1, &router, &error) ? 0 : 1;
}

static int drop_router(void **state)
{
    (void)state;
    router_destroy(router);
    arena_clear(&arena);
    return 0;
}

static RouteMatch match(const char *method, const char *path)
{
    RouteMatch found;
    router_match(router, text_of(method), text_of(path), &arena, &found);
    return found;
}

static void assert_leads_to(const char *path, const char *expected)
{
    RouteMatch found = match("GET", path);
    if (expected == NULL) {
        assert_null(found.endpoint);
        return;
    }
    assert_non_null(found.endpoint);
    assert_string_equal(found.endpoint->path, expected);
}

static void paths_lead_to_their_rows(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *expected;
    } CASES[] = {
        {"/health", "/health"},
        {"/v1/runs", "/v1/runs"},
        {"/api/v1/runs", "/v1/runs"},
        {"/v1/runs/x", "/v1/runs/{run_id}"},
        {"/v1/runs/latest", "/v1/runs/latest"},
        {"/v1/run%73", "/v1/runs"},
        {"/v1/runs/..", "/v1/runs/{run_id}"},
        {"/v1/runs/%2e%2e%2fhealth", "/v1/runs/{run_id}"},
        {"/v1/runs/", NULL},
        {"/v1//runs", NULL},
        {"//v1/runs", NULL},
        {"/v1/runs/x/", NULL},
        {"/v1/runs/../runs", NULL},
        {"/api/api/v1/runs", NULL},
        {"/apiv1/runs", NULL},
        {"/V1/runs", NULL},
        {"/v1%2Fruns", NULL},
        {"/", NULL},
        {"", NULL},
        {"*", NULL},
        {"/a/b/c/d/e/f/g/h/i/j/k/l/m/n", NULL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_leads_to(CASES[i].path, CASES[i].expected);
    }
}

static void encoded_slash_is_data(void **state)
{
    (void)state;
    RouteMatch found = match("GET", "/v1/runs/r/items/a%2Fb%20c%25");
    assert_non_null(found.endpoint);
    assert_int_equal(found.value_count, 2);
    assert_true(text_is(found.values[0], "r"));
    assert_true(text_is(found.values[1], "a/b c%"));
    assert_int_equal(found.bad_count, 0);
}

static void plus_in_a_path_is_a_plus(void **state)
{
    (void)state;
    RouteMatch found = match("GET", "/v1/runs/a+b%zz%4");
    assert_true(text_is(found.values[0], "a+b%zz%4"));
}

static void values_that_are_no_text_are_marked(void **state)
{
    (void)state;
    static const char *const BAD[] = {"/v1/runs/a%00b", "/v1/runs/%ff", "/v1/runs/%c0%af"};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        RouteMatch found = match("GET", BAD[i]);
        assert_int_equal(found.bad_count, 1);
        assert_true(text_is(found.bad_names[0], "run_id"));
    }
    assert_int_equal(match("GET", "/v1/runs/%c3%a4").bad_count, 0);
    RouteMatch second = match("GET", "/v1/runs/r/items/%ff");
    assert_int_equal(second.bad_count, 1);
    assert_true(text_is(second.bad_names[0], "external_id"));
    assert_int_equal(match("GET", "/v1/runs/%ff/items/%00").bad_count, 2);
}

static void other_methods_learn_what_is_allowed(void **state)
{
    (void)state;
    RouteMatch found = match("DELETE", "/v1/runs");
    assert_null(found.endpoint);
    assert_string_equal(found.allow, "GET, POST");
    assert_string_equal(match("get", "/health").allow, "GET");
    assert_string_equal(match("GET", "/nothing").allow, "");
}

static void incomplete_rows_are_refused(void **state)
{
    (void)state;
    const Endpoint rows[] = {
        {.method = "GET", .path = "/a", .bind = answer},
        {.method = "GET", .path = "/a", .permission = PERMISSION_USER},
        {.method = "GET", .path = "a", .permission = PERMISSION_USER, .bind = answer},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Error error = {0};
        Router *refused = NULL;
        const EndpointTable table = {&rows[i], 1};
        assert_false(router_create(&table, 1, &refused, &error));
        assert_int_equal(error.code, ERROR_INTERNAL);
    }
}

static void two_rows_for_the_same_are_refused(void **state)
{
    (void)state;
    const Endpoint rows[] = {ROW("GET", "/v1/a/{x}"), ROW("GET", "/v1/a/{y}")};
    Error error = {0};
    Router *refused = NULL;
    const EndpointTable table = {rows, 2};
    assert_false(router_create(&table, 1, &refused, &error));
}

static void requests_are_counted_by_the_operation_of_their_row(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *path;
        const char *operation;
    } CASES[] = {
        {"GET", "/health", "GET /health"},
        {"POST", "/api/v1/runs", "POST /v1/runs"},
        {"GET", "/v1/runs/17", "GET /v1/runs/{run_id}"},
        {"PUT", "/v1/runs/17/custom-metadata", "PUT /v1/runs/{run_id}/custom-metadata"},
        {"PUT", "/v1/runs", "none"},
        {"GET", "/v1/runs/17/nothing", "none"},
    };
    const EndpointTable tables[] = {{ROWS, 2}, {ROWS + 2, sizeof ROWS / sizeof ROWS[0] - 2}};
    size_t count = 0;
    char **operations = router_name_operations(tables, 2, &count);
    assert_int_equal(count, sizeof ROWS / sizeof ROWS[0] + 1);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        RouteMatch found = match(CASES[i].method, CASES[i].path);
        assert_true(found.operation < count);
        assert_string_equal(operations[found.operation], CASES[i].operation);
    }
    router_forget_operations(operations, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_to_their_rows),
        cmocka_unit_test(encoded_slash_is_data),
        cmocka_unit_test(plus_in_a_path_is_a_plus),
        cmocka_unit_test(values_that_are_no_text_are_marked),
        cmocka_unit_test(other_methods_learn_what_is_allowed),
        cmocka_unit_test(incomplete_rows_are_refused),
        cmocka_unit_test(two_rows_for_the_same_are_refused),
        cmocka_unit_test(requests_are_counted_by_the_operation_of_their_row),
    };
    return cmocka_run_group_tests(tests, make_router, drop_router);
}
