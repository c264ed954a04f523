/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON: what is hostile or doubtful is refused. */
#include "unit_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "json/reader.h"

static void hostile_documents_are_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",         "{",           "{\"a\":1,\"a\":2}", "[1,]",          "{}x",
        "\"\xff\"", "{\"a\":NaN}", "[\"\\u0000\"]",     "[\"\\ud800\"]", "[01]",
        "[1e999]",  "{'a':1}"};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        json_t *root = NULL;
        Error error = {0};
        assert_false(document_parse(text_of(BAD[i]), &root, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_true(error.message[0] != '\0');
    }
}

/* In a string, behind a number or a word, and at the end. */
static void a_null_character_is_refused(void **state)
{
    (void)state;
    const Text bad[] = {TEXT("[\"a\0\"]"), TEXT("[1\0]"), TEXT("[null\0,1]"), TEXT("[1]\0")};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        json_t *root = NULL;
        Error error = {0};
        assert_false(document_parse(bad[i], &root, &error));
        assert_string_equal(error.message, "JSON may not hold a null character");
    }
}

static void depth_is_limited_but_brackets_in_strings_do_not_count(void **state)
{
    (void)state;
    char deep[JSON_DEPTH_MAX * 2 + 3];
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    json_t *refused = NULL;
    Error error = {0};
    assert_false(document_parse((Text){deep, sizeof deep - 1}, &refused, &error));

    AUTO_JSON *accepted = NULL;
    assert_true(document_parse((Text){deep + 1, sizeof deep - 3}, &accepted, &error));

    AUTO_JSON *text = NULL;
    assert_true(
        document_parse(TEXT("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]"), &text, &error));
    AUTO_FREE char *back = document_to_string(text);
    assert_string_equal(back, "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_documents_are_refused),
        cmocka_unit_test(a_null_character_is_refused),
        cmocka_unit_test(depth_is_limited_but_brackets_in_strings_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
