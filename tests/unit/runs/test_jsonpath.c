/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a JSONPath filter before PostgreSQL sees it. */
#include "unit_test.h"

#include "base/limits.h"
#include "runs/jsonpath.h"

static Request request;

static int clear_request(void **state)
{
    (void)state;
    arena_clear(&request.arena);
    request = (Request){0};
    return 0;
}

/* The path that PostgreSQL gets; NULL: none. */
static const char *path_of(const char *given, int *problem_count_out)
{
    static QueryValue value;
    value = (QueryValue){TEXT("custom_metadata"), text_of(given)};
    request.query = &value;
    request.query_count = 1;
    Problems problems;
    problems_init(&problems, &request.arena);
    const char *path = jsonpath_of(&request, &problems);
    *problem_count_out = problems.count;
    return path;
}

static void dollar_is_added_where_it_is_missing(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *expected;
    } CASES[] = {
        {"$.study", "$.study"},
        {" $.study ", "$.study"},
        {"study", "$.study"},
        {"_x", "$._x"},
        {"gr\xc3\xb6\xc3\x9f"
         "e",
         "$.gr\xc3\xb6\xc3\x9f"
         "e"},
        {"\"two words\"", "$.\"two words\""},
        {"study ? (@ == \"high\")", "$.study ? (@ == \"high\")"},
        {"strict $.study", "strict $.study"},
        {"lax $.study", "lax $.study"},
        {"strict study.x", "strict $.study.x"},
        {"lax \t study", "lax $.study"},
        {"strict", "$.strict"},
        {"lax.x", "$.lax.x"},
        {"lax ? (@ == 1)", "$.lax ? (@ == 1)"},
        {"strictly", "$.strictly"},
        {"exists($.a)", "exists($.a)"},
        {"exists ($.a)", "exists ($.a)"},
        {"exists", "$.exists"},
        {"($.a == 1)", "($.a == 1)"},
        {"!($.a == 1)", "!($.a == 1)"},
        {".a", ".a"},
        {"[0]", "[0]"},
        {"1", "1"},
        {"@", "@"},
        {"$x", "$x"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int count = 0;
        assert_string_equal(path_of(CASES[i].given, &count), CASES[i].expected);
        assert_int_equal(count, 0);
    }
}

static void dollar_alone_is_no_filter(void **state)
{
    (void)state;
    static const char *const NONE[] = {"$", " $ ", "", "  "};
    for (size_t i = 0; i < sizeof NONE / sizeof NONE[0]; i++) {
        int count = 0;
        assert_null(path_of(NONE[i], &count));
        assert_int_equal(count, 0);
    }
}

static void characters_are_counted_and_not_bytes(void **state)
{
    (void)state;
    char path[2 * JSONPATH_CHARACTERS_MAX + 8] = "";
    for (int i = 0; i < JSONPATH_CHARACTERS_MAX; i++) {
        memcpy(path + 2 * i, "\xc3\xa4", 3);
    }
    int count = 0;
    assert_non_null(path_of(path, &count));
    memcpy(path + 2 * JSONPATH_CHARACTERS_MAX, "x", 2);
    assert_null(path_of(path, &count));
    assert_int_equal(count, 1);
}

static void what_no_clock_bounds_is_refused(void **state)
{
    (void)state;
    static const char *const REFUSED[] = {
        "$ ? (@.* < @.*)",
        "$ ? (@.* == @.*)",
        "$.a ? (@[*] != @.b[*])",
        "$ ? (@ . * <> @ [ * ])",
        "$ ? (@.a[*] >= $.b.*)",
        "$ ? ((@.*) == (@.*))",
        "$ ? (@.x == 1 && (@.y == 2 || @.* == @.*))",
        "$.* == $.*",
        "$[*] ? (@.a ? (@.* == 1) < @.b[*])",
        "$ ? (@.** == @.a[*])",
        "$.**.**",
        "$.**.a ? (@.** == 1)",
        "$.**{2 to 3}.**{1}",
        "$ ? (@.\"(\" == 1 && @.* == @.*)",
        "$ ? (@./* ( */* == @.*)",
    };
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        int count = 0;
        const char *path = path_of(REFUSED[i], &count);
        if (path != NULL || count != 1) {
            fail_msg("not refused: %s", REFUSED[i]);
        }
    }
}

static void what_looks_alike_is_not_refused(void **state)
{
    (void)state;
    static const char *const FINE[] = {
        "$.tags[*] ? (@ == \"draft\")",
        "$.tags[*] ? (@ == \"a\" || @ == \"b\")",
        "$ ? (@.* == 1 && @.a[*] == 2)",
        "$ ? (exists(@.a[*]) && exists(@.b[*]))",
        "$.a[*] ? (@.b[*] > 1)",
        "$ ? (@.a * @.b == @.c * 2)",
        "$ ? (@.a == @.b * 2)",
        "$.** ? (@.name == \"x\")",
        "$ ? (@.note == \"@.* == @.* .** .**\")",
        "$.\"a.**\".\"b.**\"",
        "$ ? (@.* like_regex \"^a.*b.*$\")",
        "$.a[*] ? (@ > 1).b[*] ? (@ < 2)",
    };
    for (size_t i = 0; i < sizeof FINE / sizeof FINE[0]; i++) {
        int count = 0;
        const char *path = path_of(FINE[i], &count);
        if (path == NULL || count != 0) {
            fail_msg("refused: %s", FINE[i]);
        }
    }
}

static void broken_paths_are_left_to_postgresql(void **state)
{
    (void)state;
    static const char *const BROKEN[] = {"$.a)))", "$.a ? ((((", "\"", "$ ? (\"",
                                         "/*",     "$.a]]}}",    "\\", "$.\"a\\"};
    for (size_t i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++) {
        int count = 0;
        assert_non_null(path_of(BROKEN[i], &count));
        assert_int_equal(count, 0);
    }
    char deep[JSONPATH_CHARACTERS_MAX + 1];
    memset(deep, '(', sizeof deep);
    deep[JSONPATH_CHARACTERS_MAX] = '\0';
    int count = 0;
    assert_null(path_of(deep, &count));
    assert_int_equal(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(dollar_is_added_where_it_is_missing, clear_request),
        cmocka_unit_test_teardown(dollar_alone_is_no_filter, clear_request),
        cmocka_unit_test_teardown(characters_are_counted_and_not_bytes, clear_request),
        cmocka_unit_test_teardown(what_no_clock_bounds_is_refused, clear_request),
        cmocka_unit_test_teardown(what_looks_alike_is_not_refused, clear_request),
        cmocka_unit_test_teardown(broken_paths_are_left_to_postgresql, clear_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
