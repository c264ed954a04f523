/* SPDX-License-Identifier: Apache-2.0 */
/* Staging through the object store: checksums, expired and forged URLs, missing objects. */
#include "job_fixture.h"

#include <fcntl.h>

#include "jobs/stage.h"

static const UrlSigner SIGNER = {"http://127.0.0.1:1", {"0123456789abcdef0123456789abcdef", 32}};
static const UrlSigner FORGER = {"http://127.0.0.1:1", {"another-secret-of-at-least-32-bytes", 35}};

static int64_t fixed_now_us(const Clock *clock)
{
    (void)clock;
    return 1000 * MICROSECONDS_PER_SECOND;
}

static void put_object(const JobFixture *fixture, const char *key, const char *content)
{
    Error error = {0};
    ObjectFacts facts;
    fixture_write(fixture, "source", content);
    AUTO_FREE char *path = alloc_format("%s/source", fixture->scratch);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(objectstore_put_fd(fixture->store, key, fd, NULL, &facts, &error));
}

/* Stages one input with that URL and checksum; returns what stage_inputs does. */
static bool stage(JobFixture *fixture,
                  const UrlSigner *signer,
                  const char *key,
                  int64_t expires,
                  const char *checksum)
{
    const Clock clock = {.now_us = fixed_now_us};
    EgressPolicy egress = {.allowed_count = 0};
    AUTO_BUFFER url;
    buffer_init(&url, SIGNED_URL_BYTES_MAX);
    url_sign(signer, &(UrlGrant){URL_GET, key, NULL, expires}, &url);
    AUTO_FREE char *inputs = alloc_format(
        "[{\"input_artifact_id\":\"i\",\"name\":\"slide\",\"download_url\":\"%s\",\"metadata\":"
        "{\"media_type\":\"image/tiff\",\"checksum_base64_crc32c\":\"%s\"}}]",
        buffer_to_string(&url), checksum);
    fixture_set_inputs(fixture, inputs);
    const StageContext context = {.clock = &clock,
                                  .store = fixture->store,
                                  .signer = &SIGNER,
                                  .egress = &egress,
                                  .input_bytes_max = 100,
                                  .download_seconds_max = 1};
    atomic_bool abort_flag = false;
    return stage_inputs(&context, &fixture->job, fixture->scratch, &abort_flag, &fixture->report);
}

static void an_own_url_is_read_through_the_store(void **state)
{
    JobFixture *fixture = *state;
    put_object(fixture, "uploads/o/1/slide", "123456789");
    assert_true(stage(fixture, &SIGNER, "uploads/o/1/slide", 2000, "4waSgw=="));
    Error error = {0};
    AUTO_FREE char *staged = alloc_format("%s/input/0.tiff", fixture->scratch);
    AUTO_FREE char *content = NULL;
    assert_true(file_read(staged, 100, &content, NULL, &error));
    assert_string_equal(content, "123456789");
    AUTO_FREE char *description = alloc_format("%s/input.json", fixture->scratch);
    AUTO_JSON *input = NULL;
    assert_true(document_read(description, 65536, &input, &error));
    const json_t *artifact = json_array_get(json_object_get(input, "input_artifacts"), 0);
    assert_string_equal(document_string(artifact, "path"), "/work/input/0.tiff");
    assert_string_equal(document_string(artifact, "mime_type"), "image/tiff");
    assert_string_equal(document_string(input, "attempt_id"), fixture->job.attempt_id.text);
}

static void what_is_wrong_with_an_input_is_the_users_to_know(void **state)
{
    JobFixture *fixture = *state;
    static const struct {
        const UrlSigner *signer;
        const char *key;
        int64_t expires;
        const char *checksum;
        const char *message;
    } BAD[] = {
        {&SIGNER, "uploads/o/1/slide", 2000,
         "AAAAAA==", "expected CRC32C AAAAAA==, found 4waSgw=="},
        {&SIGNER, "uploads/o/1/slide", 2000, "zzz", "no base64"},
        {&SIGNER, "uploads/o/1/slide", 999, "4waSgw==", "expired"},
        {&FORGER, "uploads/o/1/slide", 2000, "4waSgw==", "cannot be used"},
        {&SIGNER, "uploads/o/1/other", 2000, "4waSgw==", "404"},
        {&SIGNER, "uploads/o/1/large", 2000, "4waSgw==", "at most 100"},
    };
    char large[102];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    put_object(fixture, "uploads/o/1/slide", "123456789");
    put_object(fixture, "uploads/o/1/large", large);
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        Error error = {0};
        AUTO_FREE char *input = alloc_format("%s/input", fixture->scratch);
        assert_true(folder_remove(input, &error));
        assert_false(stage(fixture, BAD[i].signer, BAD[i].key, BAD[i].expires, BAD[i].checksum));
        assert_int_equal(fixture->report.outcome, JOB_USER_ERROR);
        if (strstr(fixture->report.error_message, BAD[i].message) == NULL) {
            fail_msg("'%s' does not say '%s'", fixture->report.error_message, BAD[i].message);
        }
        assert_null(strstr(fixture->report.error_message, "signature="));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_own_url_is_read_through_the_store, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_an_input_is_the_users_to_know,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
