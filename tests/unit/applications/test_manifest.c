/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: a good one is read, and each broken one is refused with the name of its field. */
#include "unit_test.h"

#include <stdio.h>
#include <string.h>

#include "applications/manifest.h"
#include "base/alloc.h"
#include "json/reader.h"

#define INPUTS "[{\"name\":\"slide\",\"mime_type\":\"image/tiff\",\"metadata_schema\":{}}]"
#define OUTPUT(name, scope)                                                                        \
    "{\"name\":\"" name "\",\"mime_type\":\"text/csv\",\"metadata_schema\":{},\"scope\":\"" scope  \
    "\",\"visibility\":\"EXTERNAL\"}"
#define MANIFEST(id, version, released, inputs, outputs, limits)                                   \
    "{\"application_id\":\"" id "\",\"name\":\"N\",\"description\":\"D\",\"regulatory_classes\":"  \
    "[\"RUO\"],\"version_number\":\"" version "\",\"changelog\":\"C\",\"released_at\":\"" released \
    "\",\"input_artifacts\":" inputs ",\"output_artifacts\":[" outputs                             \
    "],\"command\":[\"./run\"],\"limits\":" limits "}"
#define RELEASED "2026-01-01T00:00:00Z"

static void a_good_manifest_is_read(void **state)
{
    (void)state;
    AUTO_MANIFEST manifest = {.root = NULL};
    Error error = {0};
    assert_true(manifest_parse(MANIFEST("my-app", "1.0.0-rc.1", RELEASED, INPUTS,
                                        OUTPUT("o", "ITEM"), "{\"memory_bytes\":1000,\"gpus\":2}"),
                               &manifest, &error));
    assert_string_equal(manifest.application_id, "my-app");
    assert_int_equal(manifest.limits.memory_bytes, 1000);
    assert_int_equal(manifest.limits.time_seconds, 3600);
    assert_int_equal(manifest.limits.cpus, 1);
    assert_int_equal(manifest.limits.gpus, 2);
    assert_int_equal(manifest.scheduling.error_threshold, MANIFEST_NO_RULE);
    assert_int_equal(manifest.scheduling.deadline_seconds_min, MANIFEST_NO_RULE);
    assert_non_null(manifest_output(&manifest, "o"));
    assert_null(manifest_output(&manifest, "p"));
}

/* The last member of a manifest may be followed by another. */
#define WITH_SCHEDULING(rules)                                                                     \
    MANIFEST("a", "1.0.0", RELEASED, INPUTS, OUTPUT("o", "ITEM"), "{},\"scheduling\":" rules)

static void rules_for_runs_are_read(void **state)
{
    (void)state;
    AUTO_MANIFEST manifest = {.root = NULL};
    Error error = {0};
    assert_true(
        manifest_parse(WITH_SCHEDULING("{\"error_threshold\":0,\"deadline_seconds_min\":86400}"),
                       &manifest, &error));
    assert_int_equal(manifest.scheduling.error_threshold, 0);
    assert_int_equal(manifest.scheduling.deadline_seconds_min, 86400);
}

static void broken_manifests_name_their_field(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *field;
    } BAD[] = {
        {"[]", "object"},
        {"{}", "application_id"},
        {MANIFEST("My App", "1.0.0", RELEASED, INPUTS, OUTPUT("o", "ITEM"), "{}"),
         "application_id"},
        {MANIFEST("a", "1.0", RELEASED, INPUTS, OUTPUT("o", "ITEM"), "{}"), "version_number"},
        {MANIFEST("a", "1.0.0", "yesterday", INPUTS, OUTPUT("o", "ITEM"), "{}"), "released_at"},
        {MANIFEST("a", "1.0.0", RELEASED, "[]", OUTPUT("o", "ITEM"), "{}"), "input_artifacts"},
        {MANIFEST("a", "1.0.0", RELEASED, INPUTS, OUTPUT("o", "SLIDE"), "{}"), "scope"},
        {MANIFEST("a", "1.0.0", RELEASED, INPUTS, OUTPUT("o/p", "ITEM"), "{}"),
         "output_artifacts[0].name"},
        {MANIFEST("a", "1.0.0", RELEASED, INPUTS, OUTPUT("o", "ITEM") "," OUTPUT("o", "ITEM"),
                  "{}"),
         "output_artifacts[1].name"},
        {MANIFEST("a", "1.0.0", RELEASED, INPUTS, OUTPUT("o", "ITEM"), "{\"time_seconds\":0}"),
         "limits.time_seconds"},
        {MANIFEST("a", "1.0.0", RELEASED, INPUTS, OUTPUT("o", "ITEM"), "{\"cpus\":0}"),
         "limits.cpus: an integer from 1 to 1024 is required"},
        {MANIFEST("a", "1.0.0", RELEASED, INPUTS, OUTPUT("o", "ITEM"), "{\"cpus\":1.5}"),
         "limits.cpus"},
        {MANIFEST("a", "1.0.0", RELEASED, INPUTS, OUTPUT("o", "ITEM"), "{\"gpus\":-1}"),
         "limits.gpus: an integer from 0 to 64 is required"},
        {MANIFEST("a", "1.0.0", RELEASED, INPUTS, OUTPUT("o", "ITEM"), "{\"gpus\":65}"),
         "limits.gpus"},
        {WITH_SCHEDULING("[]"), "scheduling"},
        {WITH_SCHEDULING("{\"error_threshold\":-1}"),
         "scheduling.error_threshold: an integer from 0 to 10000 is required"},
        {WITH_SCHEDULING("{\"error_threshold\":\"3\"}"), "scheduling.error_threshold"},
        {WITH_SCHEDULING("{\"deadline_seconds_min\":0}"),
         "scheduling.deadline_seconds_min: an integer from 1 to 31622400 is required"},
        {MANIFEST("a", "1.0.0", RELEASED,
                  "[{\"name\":\"s\",\"mime_type\":\"tiff\",\"metadata_schema\":{}}]",
                  OUTPUT("o", "ITEM"), "{}"),
         "input_artifacts[0].mime_type"},
        {MANIFEST("a", "1.0.0", RELEASED,
                  "[{\"name\":\"s\",\"aliases\":[7],\"mime_type\":\"image/"
                  "tiff\",\"metadata_schema\":{}}]",
                  OUTPUT("o", "ITEM"), "{}"),
         "input_artifacts[0]: aliases[0]"},
        {MANIFEST("a", "1.0.0", RELEASED,
                  "[{\"name\":\"s\",\"mime_type\":\"image/tiff\",\"metadata_schema\":{}},"
                  "{\"name\":\"t\",\"aliases\":[\"u\",\"s\"],\"mime_type\":\"image/"
                  "tiff\",\"metadata_schema\":{}}]",
                  OUTPUT("o", "ITEM"), "{}"),
         "input_artifacts[1].aliases[1]: 's' comes twice"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        AUTO_MANIFEST manifest = {.root = NULL};
        Error error = {0};
        assert_false(manifest_parse(BAD[i].json, &manifest, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        if (strstr(error.message, BAD[i].field) == NULL) {
            fail_msg("'%s' does not name %s", error.message, BAD[i].field);
        }
    }
}

static void schemas_of_another_draft_or_none_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        const char *output;
        const char *message;
    } CASES[] = {
        {"{}", "{\"type\":\"object\"}", ""},
        {"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"}", "{}",
         "input_artifacts[0].metadata_schema: $schema is "
         "'https://json-schema.org/draft/2020-12/schema', but only draft-07 is read: "
         "http://json-schema.org/draft-07/schema#"},
        {"{}", "{\"properties\":{\"a\":{\"pattern\":\"*\"}}}",
         "output_artifacts[0].metadata_schema: /properties/a: pattern: '*': no regular expression: "
         "quantifier does not follow a repeatable item at offset 0"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *text =
            alloc_format("{\"input_artifacts\":[{\"metadata_schema\":%s}],\"output_artifacts\":"
                         "[{\"metadata_schema\":%s}]}",
                         CASES[i].input, CASES[i].output);
        Error error = {0};
        json_t *root = NULL;
        assert_true(document_parse(text_of(text), &root, &error));
        AUTO_MANIFEST manifest = {.root = root,
                                  .input_artifacts = json_object_get(root, "input_artifacts"),
                                  .output_artifacts = json_object_get(root, "output_artifacts")};
        assert_int_equal(manifest_check_schemas(&manifest, &error), CASES[i].message[0] == '\0');
        assert_string_equal(error.message, CASES[i].message);
        alloc_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_manifest_is_read),
        cmocka_unit_test(rules_for_runs_are_read),
        cmocka_unit_test(broken_manifests_name_their_field),
        cmocka_unit_test(schemas_of_another_draft_or_none_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
