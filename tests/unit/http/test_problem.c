/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents, the Accept header that asks for them, and entity tags. */
#include "unit_test.h"

#include "base/limits.h"
#include "http/etag.h"
#include "http/headers.h"
#include "http/problem.h"

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

static void assert_problem(const char *body)
{
    problem_write(&response, TEXT("/v1/x"), "id-1");
    assert_string_equal(buffer_to_string(&response.body), body);
    assert_string_equal(response.content_type, "application/problem+json");
}

static void text_becomes_the_detail(void **state)
{
    (void)state;
    response_error(&response, 404, "no \"run\"");
    response.problem = PROBLEM_RUN_NOT_FOUND;
    assert_problem("{\"type\":\"urn:slideway:problem:run_not_found\",\"title\":\"Run not found\","
                   "\"status\":404,\"detail\":\"no \\\"run\\\"\",\"instance\":\"/v1/x\","
                   "\"code\":\"run_not_found\",\"request_id\":\"id-1\"}");
}

static void list_becomes_the_errors(void **state)
{
    (void)state;
    Problems problems;
    problems_init(&problems, &arena);
    problems_add(&problems, "missing", "\"body\",\"items\"", "Field required", NULL);
    problems_add(&problems, "too_long", "\"query\",\"q\"", "Too long", NULL);
    response_problems(&response, 422, &problems);
    assert_problem(
        "{\"type\":\"urn:slideway:problem:validation_failed\",\"title\":\"The request is not "
        "valid\",\"status\":422,\"detail\":\"Field required\",\"errors\":[{\"loc\":[\"body\","
        "\"items\"],\"msg\":\"Field required\",\"type\":\"missing\"},{\"loc\":[\"query\",\"q\"],"
        "\"msg\":\"Too long\",\"type\":\"too_long\"}],\"instance\":\"/v1/x\",\"code\":"
        "\"validation_failed\",\"request_id\":\"id-1\"}");
}

static void every_status_of_the_server_has_a_kind(void **state)
{
    (void)state;
    static const int STATUSES[] = {400, 401, 402, 403, 404, 405, 409, 410,
                                   412, 413, 414, 422, 429, 500, 503};
    for (size_t i = 0; i < sizeof STATUSES / sizeof STATUSES[0]; i++) {
        response_error(&response, STATUSES[i], "no");
        assert_int_equal(problem_kind(&response)->status, STATUSES[i]);
    }
}

static void codes_of_another_status_do_not_leak(void **state)
{
    (void)state;
    response_error(&response, 404, "no");
    response.problem = PROBLEM_RUN_NOT_FOUND;
    response_error(&response, 503, "away");
    assert_string_equal(problem_kind(&response)->code, "unavailable");
}

static void accept_must_name_the_type(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool named;
    } CASES[] = {
        {NULL, false},
        {"", false},
        {"*/*", false},
        {"application/*", false},
        {"application/json", false},
        {"application/problem+json", true},
        {"Application/Problem+JSON; q=0.5", true},
        {"application/json, application/problem+json;q=1", true},
        {"application/json,application/problem+json ; a=b ; q=0", false},
        {"application/problem+json;q=0.000", false},
        {"application/problem+jsonx", false},
        {"xapplication/problem+json", false},
        {",,;q=0,application/problem+json,", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(accept_names(text_of(CASES[i].accept), PROBLEM_MEDIA_TYPE),
                         CASES[i].named);
    }
}

static void tags_tell_bodies_apart(void **state)
{
    (void)state;
    char first[ETAG_BYTES];
    char second[ETAG_BYTES];
    etag_of(TEXT("{\"a\":1}"), first);
    etag_of(TEXT("{\"a\":2}"), second);
    assert_int_equal(strlen(first), ETAG_BYTES - 1);
    assert_string_not_equal(first, second);
    etag_of(TEXT("{\"a\":1}"), second);
    assert_string_equal(first, second);
}

static void lists_of_tags_are_searched(void **state)
{
    (void)state;
    assert_false(etag_is_listed(text_of(NULL), "\"a\""));
    assert_false(etag_is_listed(TEXT(""), "\"a\""));
    assert_false(etag_is_listed(TEXT("\"b\", W/\"c\", a, \"A\""), "\"a\""));
    assert_true(etag_is_listed(TEXT("\"a\""), "\"a\""));
    assert_true(etag_is_listed(TEXT("\"b\" ,W/\"a\""), "\"a\""));
    assert_true(etag_is_listed(TEXT(" * "), "\"a\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_becomes_the_detail, make_response, drop_response),
        cmocka_unit_test_setup_teardown(list_becomes_the_errors, make_response, drop_response),
        cmocka_unit_test_setup_teardown(every_status_of_the_server_has_a_kind, make_response,
                                        drop_response),
        cmocka_unit_test_setup_teardown(codes_of_another_status_do_not_leak, make_response,
                                        drop_response),
        cmocka_unit_test(accept_must_name_the_type),
        cmocka_unit_test(tags_tell_bodies_apart),
        cmocka_unit_test(lists_of_tags_are_searched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
