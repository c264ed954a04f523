/* SPDX-License-Identifier: Apache-2.0 */
/* What an application says it made is not believed: names, paths, links, sizes. */
#include "job_fixture.h"

#include "jobs/outputs.h"

#define LIST(one, two)                                                                             \
    "{\"artifacts\":[{\"name\":\"a:one\",\"path\":\"" one                                          \
    "\"},{\"name\":\"b:two\",\"path\":\"" two "\"}]}"

static void declared_files_are_stored_under_the_attempts_key(void **state)
{
    JobFixture *fixture = *state;
    Error error = {0};
    fixture_write(fixture, "output/1.csv", "123456789");
    fixture_write(fixture, "output/2.csv", "x");
    fixture_write(fixture, "output/output.json",
                  "{\"artifacts\":[{\"name\":\"b:two\",\"path\":\"2.csv\",\"metadata\":{\"k\":1}},"
                  "{\"name\":\"a:one\",\"path\":\"1.csv\"}]}");
    assert_true(outputs_store(fixture->store, &fixture->job, fixture->scratch, NULL,
                              &fixture->report, &error));
    AUTO_JSON *list = NULL;
    assert_true(document_parse(buffer_view(&fixture->report.output_artifacts), &list, &error));
    assert_int_equal(json_array_size(list), 2);
    const json_t *one = json_array_get(list, 0);
    AUTO_FREE char *key = alloc_format("artifacts/%s/%s/%s/a_one", fixture->job.run_id.text,
                                       fixture->job.item_id.text, fixture->job.attempt_id.text);
    assert_string_equal(document_string(one, "object_key"), key);
    /* The check value of CRC-32C for "123456789" is e3069283. */
    assert_string_equal(document_string(one, "checksum_base64_crc32c"), "4waSgw==");
    assert_int_equal(json_integer_value(json_object_get(one, "size_bytes")), 9);
    const json_t *metadata = json_object_get(json_array_get(list, 1), "metadata");
    assert_int_equal(json_integer_value(json_object_get(metadata, "k")), 1);
    assert_string_equal(document_string(metadata, "media_type"), "text/csv");
    assert_non_null(document_string(metadata, "checksum_base64_crc32c"));
}

static void hostile_descriptions_are_refused(void **state)
{
    JobFixture *fixture = *state;
    static const struct {
        const char *json;
        const char *reason;
    } BAD[] = {
        {"{", "output.json"},
        {"{}", "lists no artifacts"},
        {"{\"artifacts\":[]}", "did not make the artifact a:one"},
        {"{\"artifacts\":[{\"name\":\"c\",\"path\":\"1.csv\"}]}", "does not name"},
        {"{\"artifacts\":[{\"name\":\"a:one\",\"path\":\"1.csv\"},{\"name\":\"a:one\",\"path\":\"1."
         "csv\"}]}",
         "twice"},
        {LIST("../secret", "1.csv"), "cannot be opened"},
        {LIST("/etc/passwd", "1.csv"), "cannot be opened"},
        {LIST("link", "1.csv"), "cannot be opened"},
        {LIST("linked/passwd", "1.csv"), "cannot be opened"},
        {LIST("folder", "1.csv"), "no regular file"},
        {LIST("fifo", "1.csv"), "no regular file"},
        {LIST("missing", "1.csv"), "cannot be opened"},
    };
    AUTO_FREE char *output = alloc_format("%s/output", fixture->scratch);
    AUTO_FREE char *link = alloc_format("%s/link", output);
    AUTO_FREE char *linked = alloc_format("%s/linked", output);
    AUTO_FREE char *folder = alloc_format("%s/folder", output);
    AUTO_FREE char *fifo = alloc_format("%s/fifo", output);
    fixture_write(fixture, "secret", "s");
    fixture_write(fixture, "output/1.csv", "1");
    assert_int_equal(symlink("../secret", link), 0);
    assert_int_equal(symlink("/etc", linked), 0);
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(mkfifo(fifo, 0644), 0);
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        Error error = {0};
        fixture_write(fixture, "output/output.json", BAD[i].json);
        assert_false(outputs_store(fixture->store, &fixture->job, fixture->scratch, NULL,
                                   &fixture->report, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        if (strstr(error.message, BAD[i].reason) == NULL) {
            fail_msg("%s gives '%s', not '%s'", BAD[i].json, error.message, BAD[i].reason);
        }
    }
}

static void a_user_error_is_shown_with_its_prefix(void **state)
{
    JobFixture *fixture = *state;
    fixture_write(fixture, "output/error.json",
                  "{\"error_code\":\"SLIDE.TOO_WIDE\",\"message\":\"The image is too wide\"}");
    outputs_read_user_error(fixture->scratch, &fixture->report);
    assert_int_equal(fixture->report.outcome, JOB_USER_ERROR);
    assert_string_equal(fixture->report.error_code, "SLIDE.TOO_WIDE");
    assert_string_equal(
        fixture->report.error_message,
        "User error raised by Application because the input data provided by the user "
        "cannot be processed:\nThe image is too wide");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(declared_files_are_stored_under_the_attempts_key,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(hostile_descriptions_are_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_user_error_is_shown_with_its_prefix, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
