/* SPDX-License-Identifier: Apache-2.0 */
/* A slide of 512 x 384 px at 0.5 microns per pixel, against what its metadata says. */
#include "unit_test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "exchange/input.h"
#include "slides/synthetic.h"

typedef struct Fixture {
    char folder[64];
    char *slide_path;
    char *input_path;
} Fixture;

static int make_fixture(void **state)
{
    Fixture *fixture = ALLOC_NEW(Fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/slideway-input-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->slide_path = alloc_format("%s/slide.tiff", fixture->folder);
    fixture->input_path = alloc_format("%s/input.json", fixture->folder);
    SyntheticOptions options = SYNTHETIC_DEFAULTS;
    options.width_px = 512;
    options.height_px = 384;
    Error error = {0};
    assert_true(slide_synthesize(&options, fixture->slide_path, NULL, &error));
    *state = fixture;
    return 0;
}

static int remove_fixture(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    assert_true(folder_remove(fixture->folder, &error));
    alloc_free(fixture->slide_path);
    alloc_free(fixture->input_path);
    alloc_free(fixture);
    return 0;
}

static void write_file(const char *path, const char *content)
{
    Error error = {0};
    assert_true(file_write(path, text_of(content), 0644, &error));
}

static void write_input(const Fixture *fixture, const char *metadata)
{
    AUTO_FREE char *json =
        alloc_format("{\"attempt_id\":\"a\",\"item_id\":\"i\",\"external_id\":\"slide one\","
                     "\"input_artifacts\":[{\"path\":\"%s\",\"metadata\":%s}]}",
                     fixture->slide_path, metadata);
    write_file(fixture->input_path, json);
}

/* What opening the slide says about this metadata; "" when it is fine. */
static void check_metadata(const Fixture *fixture, const char *metadata, const char *message)
{
    write_input(fixture, metadata);
    AUTO_INPUT input = {.root = NULL};
    Error error = {0};
    assert_true(input_read(fixture->input_path, &input, &error));
    AUTO_SLIDE *slide = NULL;
    bool opened = input_open_slide(&input, &slide, &error);
    assert_int_equal(opened, error.code == ERROR_NONE);
    assert_string_equal(error.message, message);
    assert_int_equal(error.code, message[0] == '\0' ? ERROR_NONE : ERROR_INVALID);
}

static void metadata_that_fits_or_is_missing_is_accepted(void **state)
{
    check_metadata(*state, "{}", "");
    check_metadata(*state, "{\"width_px\":null,\"height_px\":null,\"resolution_mpp\":null}", "");
    check_metadata(*state, "{\"width_px\":512,\"height_px\":384,\"resolution_mpp\":0.499}", "");
}

static void each_difference_is_told_with_both_values(void **state)
{
    check_metadata(*state, "{\"width_px\":513}",
                   "The width in the metadata (width_px) is 513 px, but the slide has 512 px.");
    check_metadata(*state, "{\"width_px\":512,\"height_px\":1}",
                   "The height in the metadata (height_px) is 1 px, but the slide has 384 px.");
    check_metadata(*state, "{\"resolution_mpp\":0.25}",
                   "The resolution in the metadata (resolution_mpp) is 0.25 microns per pixel, but "
                   "the slide has 0.5.");
    check_metadata(*state, "{\"media_type\":\"application/dicom\"}",
                   "The media type in the metadata (media_type) is 'application/dicom', but the "
                   "file is image/tiff.");
}

static void a_general_media_type_is_accepted(void **state)
{
    check_metadata(*state, "{\"media_type\":\"image/tiff\"}", "");
    check_metadata(*state, "{\"media_type\":\"application/octet-stream\"}", "");
    check_metadata(*state, "{\"media_type\":null}", "");
}

static void a_file_that_is_no_slide_is_its_senders_error(void **state)
{
    const Fixture *fixture = *state;
    write_file(fixture->slide_path, "no slide at all");
    write_input(fixture, "{}");
    AUTO_INPUT input = {.root = NULL};
    Error error = {0};
    assert_true(input_read(fixture->input_path, &input, &error));
    AUTO_SLIDE *slide = NULL;
    assert_false(input_open_slide(&input, &slide, &error));
    assert_int_equal(error.code, ERROR_INVALID);
}

static void a_broken_request_is_the_systems_error(void **state)
{
    const Fixture *fixture = *state;
    static const char *const BROKEN[] = {
        "{",
        "{}",
        "{\"attempt_id\":\"a\",\"input_artifacts\":[]}",
        "{\"attempt_id\":\"a\",\"input_artifacts\":[{\"path\":\"p\",\"metadata\":1}]}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(BROKEN); i++) {
        write_file(fixture->input_path, BROKEN[i]);
        AUTO_INPUT input = {.root = NULL};
        Error error = {0};
        assert_false(input_read(fixture->input_path, &input, &error));
        assert_int_equal(error.code, ERROR_INTERNAL);
    }
}

static void the_resolution_is_the_slides_own_before_the_metadatas(void **state)
{
    const Fixture *fixture = *state;
    write_input(fixture, "{\"resolution_mpp\":0.51}");
    AUTO_INPUT input = {.root = NULL};
    Error error = {0};
    assert_true(input_read(fixture->input_path, &input, &error));
    assert_string_equal(input.external_id, "slide one");
    SlideInfo info = {.mpp = 0.5};
    assert_float_equal(input_resolution_mpp(&input, &info), 0.5, 0);
    info.mpp = 0;
    assert_float_equal(input_resolution_mpp(&input, &info), 0.51, 0);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, make_fixture, remove_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(metadata_that_fits_or_is_missing_is_accepted),
        WITH_FIXTURE(each_difference_is_told_with_both_values),
        WITH_FIXTURE(a_general_media_type_is_accepted),
        WITH_FIXTURE(a_file_that_is_no_slide_is_its_senders_error),
        WITH_FIXTURE(a_broken_request_is_the_systems_error),
        WITH_FIXTURE(the_resolution_is_the_slides_own_before_the_metadatas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
