/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of errors, as clients read them. */
#include "unit_test.h"

#include <stdio.h>

#include "base/limits.h"
#include "http/response.h"

static Response response;
static Arena arena;

static int make_response(void **state)
{
    (void)state;
    response = (Response){0};
    buffer_init(&response.body, RESPONSE_BYTES_MAX);
    return 0;
}

static int drop_response(void **state)
{
    (void)state;
    buffer_clear(&response.body);
    arena_clear(&arena);
    return 0;
}

static void assert_body(int status, const char *body)
{
    assert_int_equal(response.status, status);
    assert_string_equal(buffer_to_string(&response.body), body);
}

static void error_is_a_detail(void **state)
{
    (void)state;
    response_error(&response, 404, "run '%s' not found", "x\"y");
    assert_body(404, "{\"detail\":\"run 'x\\\"y' not found\"}");
}

static void unprocessable_is_always_a_list(void **state)
{
    (void)state;
    response_error(&response, 422, "no");
    assert_body(422,
                "{\"detail\":[{\"loc\":[\"request\"],\"msg\":\"no\",\"type\":\"value_error\"}]}");
}

static void later_answer_replaces_the_earlier(void **state)
{
    (void)state;
    response_null(&response, 202);
    assert_body(202, "null");
    response_error(&response, 409, "no");
    assert_body(409, "{\"detail\":\"no\"}");
}

static void problems_are_listed_in_their_order(void **state)
{
    (void)state;
    Problems problems;
    problems_init(&problems, &arena);
    problems_add(&problems, "missing", "\"body\",\"items\",0,\"external_id\"", "Field required",
                 "{\"a\":1}");
    problems_add(&problems, "too_long", "\"query\",\"q\"", "Too long", NULL);
    response_problems(&response, 422, &problems);
    assert_body(422, "{\"detail\":[{\"loc\":[\"body\",\"items\",0,\"external_id\"],"
                     "\"msg\":\"Field required\",\"type\":\"missing\",\"input\":{\"a\":1}},"
                     "{\"loc\":[\"query\",\"q\"],\"msg\":\"Too long\",\"type\":\"too_long\"}]}");
}

static void problems_have_an_end(void **state)
{
    (void)state;
    Problems problems;
    problems_init(&problems, &arena);
    for (int i = 0; i < 3 * PROBLEMS_MAX; i++) {
        problems_add(&problems, "t", "1", "m", NULL);
    }
    response_problems(&response, 422, &problems);
    assert_int_equal(problems.count, 3 * PROBLEMS_MAX);
    int shown = 0;
    for (const char *at = buffer_to_string(&response.body); (at = strstr(at, "loc")) != NULL;
         at++) {
        shown++;
    }
    assert_int_equal(shown, PROBLEMS_MAX);
}

static void causes_are_not_shown(void **state)
{
    (void)state;
    Error error = {0};
    error_set(&error, ERROR_INTERNAL, "disk of host 7");
    error_cause(&error, "secret");
    response_of_error(&response, &error);
    assert_body(500, "{\"detail\":\"Internal Server Error\"}");
    error_set(&error, ERROR_UNAVAILABLE, "away");
    response_of_error(&response, &error);
    assert_body(503, "{\"detail\":\"away\"}");
    assert_true(response.retry_after_seconds > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(error_is_a_detail, make_response, drop_response),
        cmocka_unit_test_setup_teardown(unprocessable_is_always_a_list, make_response,
                                        drop_response),
        cmocka_unit_test_setup_teardown(later_answer_replaces_the_earlier, make_response,
                                        drop_response),
        cmocka_unit_test_setup_teardown(problems_are_listed_in_their_order, make_response,
                                        drop_response),
        cmocka_unit_test_setup_teardown(problems_have_an_end, make_response, drop_response),
        cmocka_unit_test_setup_teardown(causes_are_not_shown, make_response, drop_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
