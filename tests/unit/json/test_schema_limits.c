/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile schemas and values end soon: refused when compiled, or stopped by a bound with a problem
 * of type limit_reached. The time limits leave room for slow machines and sanitizers.
 */
#include "schema_fixture.h"

#include <time.h>

#include "base/clock.h"

enum { SECONDS_MAX = 10 };

static int64_t started_at_us;

/* What this program has used: a busy machine is no reason. */
static int64_t processor_us(void)
{
    struct timespec used;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
    return (int64_t)used.tv_sec * MICROSECONDS_PER_SECOND + used.tv_nsec / 1000;
}

static int start(void **state)
{
    (void)state;
    started_at_us = processor_us();
    return 0;
}

static int took_not_long(void **state)
{
    (void)state;
    int64_t took_us = processor_us() - started_at_us;
    return took_us < SECONDS_MAX * MICROSECONDS_PER_SECOND ? 0 : -1;
}

static void assert_only_limit(const Schema *schema, const json_t *value)
{
    AUTO_BUFFER out;
    buffer_init(&out, 1 << 20);
    check_text(schema, value, &out);
    assert_string_equal(buffer_to_string(&out),
                        " limit_reached: Input is too complex to be checked\n");
}

static void assert_refused(const char *text, const char *reason)
{
    AUTO_JSON *json = json_of(text);
    Schema *schema = NULL;
    Error error = {0};
    assert_false(schema_compile(json, NULL, &schema, &error));
    if (strstr(error.message, reason) == NULL) {
        fail_msg("%s", error.message);
    }
}

static void a_pattern_that_backtracks_without_end_is_stopped(void **state)
{
    (void)state;
    AUTO_SCHEMA *schema = schema_of("{\"pattern\":\"^(a+)+$\"}");
    AUTO_JSON *value = json_of("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"");
    assert_only_limit(schema, value);
}

static void many_costly_patterns_are_stopped_together(void **state)
{
    (void)state;
    /* Each match needs some ten thousand steps: below the limit of one. */
    AUTO_SCHEMA *schema = schema_of("{\"items\":{\"pattern\":\"^(a+)+$\"}}");
    AUTO_JSON *value = json_array();
    for (int i = 0; i < 100000; i++) {
        json_array_append_new(value, json_string("aaaaaaaaaaaa!"));
    }
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_FREE SchemaProblems *problems = ALLOC_NEW(SchemaProblems);
    schema_problems_init(problems, &arena, SCHEMA_STEPS_MAX);
    assert_false(schema_check(schema, value, problems));
    assert_int_equal(problems->count, SCHEMA_PROBLEMS_MAX);
    assert_true(problems->steps_left < 0);
}

static void a_pattern_that_is_too_large_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"pattern\":\"((((a{1,999}){1,999}){1,999}){1,999})\"}",
                   "no regular expression");
    AUTO_BUFFER text;
    buffer_init(&text, 1 << 20);
    buffer_string(&text, "{\"pattern\":\"");
    for (int i = 0; i <= SCHEMA_PATTERN_BYTES_MAX; i++) {
        buffer_byte(&text, 'a');
    }
    buffer_string(&text, "\"}");
    assert_refused(buffer_to_string(&text), "no regular expression");
}

static void many_large_patterns_are_refused(void **state)
{
    (void)state;
    AUTO_BUFFER text;
    buffer_init(&text, 1 << 20);
    buffer_string(&text, "{\"patternProperties\":{");
    for (int i = 0; i < 100; i++) {
        buffer_format(&text, "%s\"%d(abcdefgh){500}\":{}", i > 0 ? "," : "", i);
    }
    buffer_string(&text, "}}");
    assert_refused(buffer_to_string(&text), "the schema's patterns are too large");
}

/* allOf twice the next one, forty levels: 2^40 checks without a bound. */
static void a_schema_that_doubles_at_each_level_is_stopped(void **state)
{
    (void)state;
    AUTO_BUFFER text;
    buffer_init(&text, 1 << 20);
    buffer_string(&text, "{\"$ref\":\"#/definitions/0\",\"definitions\":{");
    for (int i = 0; i < 40; i++) {
        buffer_format(&text,
                      "\"%d\":{\"allOf\":[{\"$ref\":\"#/definitions/%d\"},"
                      "{\"$ref\":\"#/definitions/%d\"}]},",
                      i, i + 1, i + 1);
    }
    buffer_string(&text, "\"40\":true}}");
    AUTO_SCHEMA *schema = schema_of(buffer_to_string(&text));
    AUTO_JSON *value = json_of("1");
    assert_only_limit(schema, value);
}

static void a_loop_through_many_references_is_refused(void **state)
{
    (void)state;
    AUTO_BUFFER text;
    buffer_init(&text, 1 << 20);
    buffer_string(&text, "{\"$ref\":\"#/definitions/0\",\"definitions\":{");
    for (int i = 0; i < 5000; i++) {
        buffer_format(&text, "%s\"%d\":{\"$ref\":\"#/definitions/%d\"}", i > 0 ? "," : "", i,
                      (i + 1) % 5000);
    }
    buffer_string(&text, "}}");
    assert_refused(buffer_to_string(&text), "more than 200 schemas are inside one another");
}

static void a_schema_of_too_many_parts_is_refused(void **state)
{
    (void)state;
    AUTO_JSON *branches = json_array();
    for (int i = 0; i <= SCHEMA_NODES_MAX; i++) {
        json_array_append_new(branches, json_object());
    }
    AUTO_JSON *root = json_pack("{sO}", "anyOf", branches);
    Schema *schema = NULL;
    Error error = {0};
    assert_false(schema_compile(root, NULL, &schema, &error));
    assert_string_equal(error.message, "/anyOf/49999: the schema has more than 50000 parts");
}

/* Built without the reader, which would refuse it. */
static json_t *nested(const char *key, json_t *innermost, int levels)
{
    json_t *json = innermost;
    for (int i = 0; i < levels; i++) {
        json_t *outer = json_object();
        json_object_set_new(outer, key, json);
        json = outer;
    }
    return json;
}

static void a_schema_that_is_too_deep_is_refused(void **state)
{
    (void)state;
    AUTO_JSON *root = nested("items", json_true(), SCHEMA_DEPTH_MAX + 10);
    Schema *schema = NULL;
    Error error = {0};
    assert_false(schema_compile(root, NULL, &schema, &error));
    assert_non_null(strstr(error.message, "nested deeper than 200 levels"));
}

static void a_value_that_is_too_deep_is_stopped(void **state)
{
    (void)state;
    AUTO_SCHEMA *schema = schema_of("{\"additionalProperties\":{\"$ref\":\"#\"}}");
    AUTO_JSON *value = nested("a", json_true(), SCHEMA_DEPTH_MAX + 10);
    assert_only_limit(schema, value);
    AUTO_JSON *fair = nested("a", json_true(), JSON_DEPTH_MAX);
    AUTO_BUFFER out;
    buffer_init(&out, 1000);
    check_text(schema, fair, &out);
    assert_int_equal(out.length, 0);
}

/* Ten thousand branches, none of which fits: the answer is still one sentence. */
static void ten_thousand_branches_are_looked_through(void **state)
{
    (void)state;
    AUTO_JSON *branches = json_array();
    for (int i = 0; i < 10000; i++) {
        json_array_append_new(branches,
                              json_pack("{s[s]s{s{si}s{si}}}", "required", "tag", "properties",
                                        "tag", "const", i, "x", "maximum", i));
    }
    AUTO_JSON *root = json_pack("{sO}", "anyOf", branches);
    AUTO_SCHEMA *schema = NULL;
    Error error = {0};
    assert_true(schema_compile(root, NULL, &schema, &error));
    AUTO_JSON *value = json_of("{\"tag\":7777,\"x\":7778}");
    AUTO_BUFFER out;
    buffer_init(&out, 10000);
    check_text(schema, value, &out);
    assert_string_equal(
        buffer_to_string(&out),
        "/x less_than_equal: Input should be less than or equal to 7777 {\"le\":7777}\n");
    AUTO_JSON *unknown = json_of("{\"tag\":\"a\"}");
    buffer_reset(&out);
    check_text(schema, unknown, &out);
    assert_string_equal(
        buffer_to_string(&out),
        "/tag literal_error: Input should be 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "
        "16, 17, 18, 19 or one of 9980 others {\"expected\":\"0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
        "11, 12, 13, 14, 15, 16, 17, 18, 19 or one of 9980 others\"}\n");
}

static void many_items_are_compared_in_a_bound(void **state)
{
    (void)state;
    AUTO_SCHEMA *schema = schema_of("{\"uniqueItems\":true}");
    AUTO_JSON *value = json_array();
    for (int i = 0; i < 200000; i++) {
        json_array_append_new(value, json_pack("{si}", "a", i));
    }
    AUTO_BUFFER out;
    buffer_init(&out, 10000);
    check_text(schema, value, &out);
    assert_int_equal(out.length, 0);
    json_array_append_new(value, json_pack("{sf}", "a", 1234.0));
    check_text(schema, value, &out);
    assert_string_equal(buffer_to_string(&out),
                        " unique_items: Array should have no two equal items, but 1234 and 200000 "
                        "are\n");
}

static void problems_are_bounded_in_number_and_length(void **state)
{
    (void)state;
    AUTO_SCHEMA *schema = schema_of("{\"additionalProperties\":false}");
    AUTO_JSON *value = json_object();
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        json_object_set_new(value, key, json_null());
    }
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_FREE SchemaProblems *problems = ALLOC_NEW(SchemaProblems);
    schema_problems_init(problems, &arena, SCHEMA_STEPS_MAX);
    assert_false(schema_check(schema, value, problems));
    assert_int_equal(problems->count, SCHEMA_PROBLEMS_MAX);
    /* A full collector still tells bad from good. */
    assert_false(schema_check(schema, value, problems));
    AUTO_JSON *empty = json_object();
    assert_true(schema_check(schema, empty, problems));
}

static void a_spent_budget_stops_the_next_check(void **state)
{
    (void)state;
    AUTO_SCHEMA *schema = schema_of("{\"items\":{\"type\":\"integer\"}}");
    AUTO_JSON *value = json_of("[1,2,3]");
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_FREE SchemaProblems *problems = ALLOC_NEW(SchemaProblems);
    schema_problems_init(problems, &arena, 5);
    assert_true(schema_check(schema, value, problems));
    assert_false(schema_check(schema, value, problems));
    assert_string_equal(problems->items[0].type, "limit_reached");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, took_not_long)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pattern_that_backtracks_without_end_is_stopped),
        TEST(many_costly_patterns_are_stopped_together),
        TEST(a_pattern_that_is_too_large_is_refused),
        TEST(many_large_patterns_are_refused),
        TEST(a_schema_that_doubles_at_each_level_is_stopped),
        TEST(a_loop_through_many_references_is_refused),
        TEST(a_schema_of_too_many_parts_is_refused),
        TEST(a_schema_that_is_too_deep_is_refused),
        TEST(a_value_that_is_too_deep_is_stopped),
        TEST(ten_thousand_branches_are_looked_through),
        TEST(many_items_are_compared_in_a_bound),
        TEST(problems_are_bounded_in_number_and_length),
        TEST(a_spent_budget_stops_the_next_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
