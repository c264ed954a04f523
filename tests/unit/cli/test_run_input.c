/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata of a slide follows the schema that the application version states. */
#include "cli/run_input.h"

#include <string.h>

#include "base/alloc.h"
#include "unit_test.h"
#include "json/reader.h"

#define CLOSED "\"additionalProperties\": false, \"properties\": {"
#define PLAIN_PROPERTIES                                                                           \
    "\"checksum_base64_crc32c\": {}, \"width_px\": {}, \"media_type\": {\"enum\": "                \
    "[\"image/tiff\", \"application/octet-stream\", null]}"
#define PLAIN "{" CLOSED PLAIN_PROPERTIES "}, \"required\": [\"checksum_base64_crc32c\"]}"
#define STAINED                                                                                    \
    "{" CLOSED PLAIN_PROPERTIES ", \"staining_method\": {\"const\": \"H&E\"}, \"specimen\": {}},"  \
    " \"required\": [\"checksum_base64_crc32c\", \"staining_method\", \"specimen\"]}"
#define STATED "{\"properties\": {\"site\": {\"default\": \"X\"}}, \"required\": [\"site\"]}"
#define ONE_MEDIA_TYPE "{" CLOSED "\"media_type\": {\"enum\": [\"application/dicom\"]}}}"

#define FACTS                                                                                      \
    "{\"checksum_base64_crc32c\": \"AAAAAA==\", \"width_px\": 7, \"height_px\": 8,"                \
    " \"media_type\": \"image/tiff\"}"

/* metadata NULL: refused, with `words` in the message. */
typedef struct Case {
    const char *schema;
    const char *facts; /* NULL: an address, of which nothing is known */
    const char *given;
    const char *metadata;
    const char *words;
} Case;

static const Case CASES[] = {
    {PLAIN, FACTS, "{}",
     "{\"checksum_base64_crc32c\":\"AAAAAA==\",\"width_px\":7,\"media_type\":\"image/tiff\"}",
     NULL},
    {PLAIN, FACTS, "{\"specimen\": {}}", NULL, "'specimen'"},
    {PLAIN, NULL, "{\"width_px\": 3}", NULL, "'checksum_base64_crc32c'"},
    {PLAIN, NULL, "{\"checksum_base64_crc32c\": \"BBBBBA==\"}",
     "{\"checksum_base64_crc32c\":\"BBBBBA==\"}", NULL},
    {PLAIN, "{\"checksum_base64_crc32c\": \"A\", \"media_type\": \"image/png\"}", "{}",
     "{\"checksum_base64_crc32c\":\"A\",\"media_type\":\"application/octet-stream\"}", NULL},
    {PLAIN, FACTS, "{\"width_px\": 9}",
     "{\"checksum_base64_crc32c\":\"AAAAAA==\",\"width_px\":9,\"media_type\":\"image/tiff\"}",
     NULL},
    {STAINED, FACTS, "{}",
     "{\"checksum_base64_crc32c\":\"AAAAAA==\",\"width_px\":7,\"media_type\":\"image/tiff\","
     "\"staining_method\":\"H&E\",\"specimen\":{\"disease\":\"OTHER\",\"tissue\":\"OTHER\"}}",
     NULL},
    {STAINED, FACTS, "{\"specimen\": {\"disease\": \"LUNG_CANCER\", \"tissue\": \"LUNG\"}}",
     "{\"checksum_base64_crc32c\":\"AAAAAA==\",\"width_px\":7,\"media_type\":\"image/tiff\","
     "\"staining_method\":\"H&E\",\"specimen\":{\"disease\":\"LUNG_CANCER\",\"tissue\":\"LUNG\"}}",
     NULL},
    {STATED, "{}", "{\"more\": 1}", "{\"more\":1,\"site\":\"X\"}", NULL},
    {ONE_MEDIA_TYPE, FACTS, "{}", "{}", NULL},
    {"null", FACTS, "{\"any\": true}",
     "{\"checksum_base64_crc32c\":\"AAAAAA==\",\"width_px\":7,\"height_px\":8,"
     "\"media_type\":\"image/tiff\",\"any\":true}",
     NULL},
};

static json_t *json_of(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    return json;
}

static void check_case(const Case *one)
{
    AUTO_FREE char *text = alloc_format("{\"version_number\": \"1.0.0\", \"input_artifacts\": "
                                        "[{\"name\": \"slide\", \"metadata_schema\": %s}]}",
                                        one->schema);
    AUTO_RUN_INPUT input = {0};
    Error error = {0};
    assert_true(run_input_of(json_of(text), &input, &error));
    assert_string_equal(input.artifact_name, "slide");
    input.application_id = "app";
    AUTO_JSON *facts = one->facts == NULL ? NULL : json_of(one->facts);
    AUTO_JSON *given = json_of(one->given);
    AUTO_JSON *metadata = run_input_metadata(&input, facts, given, &error);
    if (one->metadata == NULL) {
        assert_null(metadata);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_non_null(strstr(error.message, one->words));
        return;
    }
    AUTO_JSON *expected = json_of(one->metadata);
    assert_true(json_equal(metadata, expected));
}

static void metadata_follows_the_schema(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        check_case(&CASES[i]);
    }
}

static void an_application_of_two_inputs_is_refused(void **state)
{
    (void)state;
    AUTO_JSON *version =
        json_of("{\"version_number\": \"1.0.0\", \"input_artifacts\": [{\"name\": \"a\"}, "
                "{\"name\": \"b\"}]}");
    RunInput input = {0};
    Error error = {0};
    assert_false(run_input_of(version, &input, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_null(input.version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_follows_the_schema),
        cmocka_unit_test(an_application_of_two_inputs_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
