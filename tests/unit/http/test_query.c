/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings. */
#include "unit_test.h"

#include "base/limits.h"
#include "http/query.h"

static Request request;

static int clear_request(void **state)
{
    (void)state;
    arena_clear(&request.arena);
    request = (Request){0};
    return 0;
}

static int problems_of(const char *raw)
{
    Problems problems;
    problems_init(&problems, &request.arena);
    query_parse(text_of(raw), &request, &problems);
    return problems.count;
}

static void names_and_values_are_decoded(void **state)
{
    (void)state;
    assert_int_equal(problems_of("page=2&sort=%2Bname&q=a+b%20c&empty=&flag&x=1=2&%70=z&&"), 0);
    assert_true(text_is(request_query(&request, "page"), "2"));
    assert_true(text_is(request_query(&request, "sort"), "+name"));
    assert_true(text_is(request_query(&request, "q"), "a b c"));
    assert_true(text_is(request_query(&request, "x"), "1=2"));
    assert_true(text_is(request_query(&request, "p"), "z"));
    assert_non_null(request_query(&request, "empty").bytes);
    assert_int_equal(request_query(&request, "empty").length, 0);
    assert_null(request_query(&request, "missing").bytes);
    assert_int_equal(request.query_count, 7);
}

static void repeated_names_keep_their_order(void **state)
{
    (void)state;
    assert_int_equal(problems_of("sort=a&x=1&sort=b"), 0);
    assert_true(text_is(request_query_at(&request, "sort", 0), "a"));
    assert_true(text_is(request_query_at(&request, "sort", 1), "b"));
    assert_null(request_query_at(&request, "sort", 2).bytes);
}

static void what_is_no_text_is_a_problem(void **state)
{
    (void)state;
    assert_int_equal(problems_of("a=%00"), 1);
    assert_int_equal(problems_of("a=x%ff&b=1&%00=2"), 2);
    assert_int_equal(problems_of("a=%c3%a4"), 0);
}

static void problem_names_its_parameter(void **state)
{
    (void)state;
    Problems problems;
    problems_init(&problems, &request.arena);
    query_parse(TEXT("q%22=%00"), &request, &problems);
    Response response = {0};
    buffer_init(&response.body, 1024);
    response_problems(&response, 422, &problems);
    assert_non_null(strstr(buffer_to_string(&response.body), "\"loc\":[\"query\",\"q\\\"\"]"));
    buffer_clear(&response.body);
}

static void endless_queries_are_refused(void **state)
{
    (void)state;
    char raw[2 * QUERY_PARAMETERS_MAX + 4];
    for (size_t i = 0; i < sizeof raw; i++) {
        raw[i] = i % 2 == 0 ? 'a' : '&';
    }
    raw[sizeof raw - 1] = '\0';
    assert_int_equal(problems_of(raw), 1);
    assert_int_equal(request.query_count, 0);
}

static void first_value_that_is_not_empty_is_found_in_a_raw_query(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        const char *value;
    } CASES[] = {
        {"t=x", "x"}, {"a=1&t=x%20&b", "x%20"}, {"t=&t=x&t=y", "x"}, {"t=a=b", "a=b"}, {"t=", NULL},
        {"t", NULL},  {"a=t=x&tt=x", NULL},     {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        Text value = query_raw_value(text_of(CASES[i].raw), "t");
        assert_true(CASES[i].value == NULL ? value.bytes == NULL : text_is(value, CASES[i].value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(names_and_values_are_decoded, clear_request),
        cmocka_unit_test_teardown(repeated_names_keep_their_order, clear_request),
        cmocka_unit_test_teardown(what_is_no_text_is_a_problem, clear_request),
        cmocka_unit_test_teardown(problem_names_its_parameter, clear_request),
        cmocka_unit_test(first_value_that_is_not_empty_is_found_in_a_raw_query),
        cmocka_unit_test_teardown(endless_queries_are_refused, clear_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
