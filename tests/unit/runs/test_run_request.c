/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of run creation: what is kept as sent, which aliases are taken, and what is refused where.
 */
#include "unit_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "runs/run_request.h"

/* 2026-01-01T00:00:00Z */
#define NOW_US (1767225600LL * MICROSECONDS_PER_SECOND)
#define ARTIFACT "{\"name\":\"s\",\"download_url\":\"https://h/x\",\"metadata\":{}}"
#define ITEM(id, artifacts) "{\"external_id\":\"" id "\",\"input_artifacts\":[" artifacts "]}"
#define RUN(rest) "{\"application_id\":\"a\"," rest "}"

typedef struct Read {
    Arena arena;
    RunRequest request;
    Problems problems;
    Response response;
} Read;

/* One artifact, "s", also called "user_slide". */
static InputRules *rules_of(const char *schema)
{
    AUTO_FREE char *artifacts = alloc_format("[{\"name\":\"s\",\"metadata_schema\":%s}]", schema);
    InputRules *rules = NULL;
    Error error = {0};
    assert_true(input_rules_create("01900000-0000-7000-8000-000000000001", artifacts,
                                   "{\"s\":\"s\",\"user_slide\":\"s\"}", &rules, &error));
    return rules;
}

static void read_with_rules(Read *read, const char *body, const InputRules *rules)
{
    *read = (Read){.response = {.status = 0}};
    buffer_init(&read->response.body, 65536);
    arena_init(&read->arena);
    problems_init(&read->problems, &read->arena);
    if (run_request_open(text_of(body), NOW_US, &read->arena, &read->request, &read->problems)) {
        run_request_read_items(&read->request, rules, &read->problems);
        run_request_close(&read->request);
    }
}

static void read_body(Read *read, const char *body)
{
    AUTO_INPUT_RULES *rules = rules_of("{}");
    read_with_rules(read, body, rules);
}

static void read_clear(Read *read)
{
    buffer_clear(&read->response.body);
    arena_clear(&read->arena);
}

/* As PostgreSQL reads an array. */
static void assert_column(const Read *read, RunColumn column, const char *expected)
{
    assert_string_equal(read->request.columns[column], expected);
}

static void metadata_keeps_the_text_that_was_sent(void **state)
{
    (void)state;
    Read read;
    read_body(&read, "{\"application_id\":\"a\",\"custom_metadata\":{\"b\": 0.2628238, \"a\" :[1]},"
                     "\"items\":[{\"external_id\":\"x\",\"custom_metadata\":{ \"k\":1e2},"
                     "\"input_artifacts\":[{\"name\":\"s\",\"download_url\":\"http://h/\","
                     "\"metadata\":{\"resolution_mpp\": 0.2628238}}]}]}");
    assert_int_equal(read.problems.count, 0);
    assert_string_equal(read.request.custom_metadata, "{\"b\": 0.2628238, \"a\" :[1]}");
    assert_int_equal(strlen(read.request.custom_metadata_checksum), 8);
    assert_column(&read, COLUMN_EXTERNAL_ID, "{\"x\"}");
    assert_column(&read, COLUMN_ITEM_METADATA, "{\"{ \\\"k\\\":1e2}\"}");
    assert_column(&read, COLUMN_ARTIFACT_METADATA, "{\"{\\\"resolution_mpp\\\": 0.2628238}\"}");
    read_clear(&read);
}

static void aliases_of_an_input_artifact_are_taken(void **state)
{
    (void)state;
    Read read;
    read_body(&read,
              RUN("\"items\":[" ITEM(
                  "x", "{\"name\":\"user_slide\",\"download_url\":\"https://h/x\","
                       "\"custom_metadata\":{\"media-type\":\"image/tiff\",\"width_px\":3}}") "]"));
    assert_int_equal(read.problems.count, 0);
    assert_column(&read, COLUMN_ARTIFACT_METADATA,
                  "{\"{\\\"width_px\\\":3,\\\"media_type\\\":\\\"image/tiff\\\"}\"}");
    read_clear(&read);
}

static void media_type_keeps_its_old_name_where_the_schema_has_it(void **state)
{
    (void)state;
    Read read;
    AUTO_INPUT_RULES *rules =
        rules_of("{\"properties\":{\"media-type\":{}},\"additionalProperties\":false}");
    read_with_rules(
        &read,
        RUN("\"items\":[" ITEM("x", "{\"name\":\"s\",\"download_url\":\"https://h/x\","
                                    "\"metadata\":{\"media-type\": \"image/tiff\"}}") "]"),
        rules);
    assert_int_equal(read.request.broken.count, 0);
    assert_column(&read, COLUMN_ARTIFACT_METADATA,
                  "{\"{\\\"media-type\\\": \\\"image/tiff\\\"}\"}");
    read_clear(&read);
}

static void without_rules_only_the_shape_is_looked_at(void **state)
{
    (void)state;
    Read read;
    read_with_rules(&read, RUN("\"items\":[" ITEM("x", ARTIFACT) "]"), NULL);
    assert_int_equal(read.problems.count, 0);
    assert_int_equal(read.request.item_count, 0);
    assert_column(&read, COLUMN_EXTERNAL_ID, "{}");
    read_clear(&read);
    read_with_rules(&read, RUN("\"items\":[7]"), NULL);
    assert_int_equal(read.problems.count, 1);
    read_clear(&read);
}

/* The names that the client used stand in the location. */
static void broken_rules_are_named_beside_the_shape(void **state)
{
    (void)state;
    Read read;
    AUTO_INPUT_RULES *rules = rules_of("{\"properties\":{\"media_type\":{\"const\":\"a\"},"
                                       "\"x\":{\"items\":{\"maximum\":1}}}}");
    read_with_rules(
        &read,
        RUN("\"items\":[" ITEM("x", ARTIFACT) "," ITEM(
            "x", "{\"name\":\"user_slide\",\"download_url\":\"https://h/x\","
                 "\"custom_metadata\":{\"media-type\":\"b\",\"x\":[1,2]}},{\"name\":\"t\","
                 "\"download_url\":\"https://h/x\",\"metadata\":{}}") "]"),
        rules);
    assert_int_equal(read.problems.count, 0);
    assert_column(&read, COLUMN_EXTERNAL_ID, "{}");
    response_problems(&read.response, 400, &read.request.broken);
    assert_string_equal(
        buffer_to_string(&read.response.body),
        "{\"detail\":["
        "{\"loc\":[\"body\",\"items\",1,\"input_artifacts\",0,\"custom_metadata\",\"x\",1],"
        "\"msg\":\"Input should be less than or equal to 1\",\"type\":\"less_than_equal\","
        "\"input\":2,\"ctx\":{\"le\":1}},"
        "{\"loc\":[\"body\",\"items\",1,\"input_artifacts\",0,\"custom_metadata\",\"media-type\"],"
        "\"msg\":\"Input should be 'a'\",\"type\":\"literal_error\",\"input\":\"b\","
        "\"ctx\":{\"expected\":\"'a'\"}},"
        "{\"loc\":[\"body\",\"items\",1,\"input_artifacts\",1,\"name\"],"
        "\"msg\":\"Input artifact 't' is not known to the application version\","
        "\"type\":\"value_error\"},"
        "{\"loc\":[\"body\",\"items\",1,\"external_id\"],"
        "\"msg\":\"The external_id is not unique in the run\",\"type\":\"value_error\"}]}");
    read_clear(&read);
}

static void keys_written_with_escapes_are_not_lost(void **state)
{
    (void)state;
    Read read;
    read_body(&read, RUN("\"\\u0069tems\":[" ITEM("x", ARTIFACT) "]"));
    assert_int_equal(read.problems.count, 0);
    assert_int_equal(read.request.item_count, 1);
    assert_column(&read, COLUMN_EXTERNAL_ID, "{\"x\"}");
    read_clear(&read);
}

static void each_broken_field_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *location;
        const char *type;
    } BAD[] = {
        {"{", "[\"body\"]", "json_invalid"},
        {"[]", "[\"body\"]", "model_attributes_type"},
        {"{\"items\":[" ITEM("x", ARTIFACT) "]}", "[\"body\",\"application_id\"]", "missing"},
        {RUN("\"items\":[]"), "[\"body\",\"items\"]", "too_short"},
        {RUN("\"items\":{}"), "[\"body\",\"items\"]", "list_type"},
        {RUN("\"items\":[" ITEM("x", ARTIFACT) ",7]"), "[\"body\",\"items\",1]",
         "model_attributes_type"},
        {RUN("\"items\":[" ITEM("", ARTIFACT) "]"), "[\"body\",\"items\",0,\"external_id\"]",
         "string_too_short"},
        {RUN("\"items\":[" ITEM(
             "x", "{\"name\":\"s\",\"download_url\":\"ftp://h/x\",\"metadata\":{}}") "]"),
         "[\"body\",\"items\",0,\"input_artifacts\",0,\"download_url\"]", "url_parsing"},
        {RUN("\"items\":[" ITEM("x", "{\"name\":\"s\",\"download_url\":\"http://h/x\"}") "]"),
         "[\"body\",\"items\",0,\"input_artifacts\",0,\"metadata\"]", "missing"},
        {RUN("\"custom_metadata\":[1],\"items\":[" ITEM("x", ARTIFACT) "]"),
         "[\"body\",\"custom_metadata\"]", "dict_type"},
        {RUN("\"scheduling\":{\"deadline\":\"2025-12-31T00:00:00Z\"},\"items\":[" ITEM(
             "x", ARTIFACT) "]"),
         "[\"body\",\"scheduling\",\"deadline\"]", "value_error"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        Read read;
        read_body(&read, BAD[i].body);
        assert_int_equal(read.problems.count, 1);
        response_problems(&read.response, 422, &read.problems);
        const char *shown = buffer_to_string(&read.response.body);
        if (strstr(shown, BAD[i].location) == NULL || strstr(shown, BAD[i].type) == NULL) {
            fail_msg("%s does not name %s %s", shown, BAD[i].location, BAD[i].type);
        }
        read_clear(&read);
    }
}

static void all_problems_of_a_body_come_at_once(void **state)
{
    (void)state;
    Read read;
    read_body(&read,
              "{\"version_number\":1,\"items\":[{},{\"external_id\":2,\"input_artifacts\":0}]}");
    /* application_id, version_number, two of item 0, two of item 1 */
    assert_int_equal(read.problems.count, 6);
    read_clear(&read);
}

static void a_doubled_external_id_is_named_at_its_later_place(void **state)
{
    (void)state;
    Read read;
    read_body(&read, RUN("\"items\":[" ITEM("x", ARTIFACT) "," ITEM("y", ARTIFACT) "," ITEM(
                         "x", ARTIFACT) "]"));
    assert_int_equal(read.problems.count, 0);
    assert_int_equal(read.request.broken.count, 1);
    response_problems(&read.response, 400, &read.request.broken);
    assert_non_null(
        strstr(buffer_to_string(&read.response.body), "[\"body\",\"items\",2,\"external_id\"]"));
    read_clear(&read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_keeps_the_text_that_was_sent),
        cmocka_unit_test(aliases_of_an_input_artifact_are_taken),
        cmocka_unit_test(media_type_keeps_its_old_name_where_the_schema_has_it),
        cmocka_unit_test(without_rules_only_the_shape_is_looked_at),
        cmocka_unit_test(broken_rules_are_named_beside_the_shape),
        cmocka_unit_test(keys_written_with_escapes_are_not_lost),
        cmocka_unit_test(each_broken_field_is_named),
        cmocka_unit_test(all_problems_of_a_body_come_at_once),
        cmocka_unit_test(a_doubled_external_id_is_named_at_its_later_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
