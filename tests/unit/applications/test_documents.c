/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of a manifest: good lists are taken, broken ones refused with the place of the fault.
 */
#include "unit_test.h"

#include <string.h>

#include "applications/documents.h"
#include "json/reader.h"

#define DOCUMENT(name, path, type, visibility)                                                     \
    "{\"name\":\"" name "\",\"path\":\"" path "\",\"mime_type\":\"" type                           \
    "\",\"visibility\":\"" visibility "\"}"
#define GOOD DOCUMENT("User guide.pdf", "docs/guide.pdf", "application/pdf", "public")

static bool check(const char *json, Error *error)
{
    Error none = {0};
    AUTO_JSON *documents = NULL;
    assert_true(document_parse(text_of(json), &documents, &none));
    return documents_check(documents, error);
}

static void good_lists_are_taken(void **state)
{
    (void)state;
    static const char *const GOOD_LISTS[] = {
        "[]", "[" GOOD "]",
        "[" GOOD "," DOCUMENT("\xc3\xa4", "b", "text/markdown", "internal") "]"};
    Error error = {0};
    assert_true(documents_check(NULL, &error));
    for (size_t i = 0; i < ARRAY_COUNT(GOOD_LISTS); i++) {
        assert_true(check(GOOD_LISTS[i], &error));
    }
}

static void broken_lists_name_their_fault(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *place;
    } BAD[] = {
        {"{}", "documents:"},
        {"[7]", "documents[0].name"},
        {"[" GOOD "," GOOD "]", "documents[1].name"},
        {"[" DOCUMENT("", "a", "text/csv", "public") "]", "documents[0].name"},
        {"[" DOCUMENT("a/b", "a", "text/csv", "public") "]", "documents[0].name"},
        {"[" DOCUMENT("..", "a", "text/csv", "public") "]", "documents[0].name"},
        {"[" DOCUMENT("a\\nb", "a", "text/csv", "public") "]", "documents[0].name"},
        {"[" DOCUMENT("a", "../a", "text/csv", "public") "]", "documents[0].path"},
        {"[" DOCUMENT("a", "b/../../a", "text/csv", "public") "]", "documents[0].path"},
        {"[" DOCUMENT("a", "/etc/passwd", "text/csv", "public") "]", "documents[0].path"},
        {"[" DOCUMENT("a", "a", "pdf", "public") "]", "documents[0].mime_type"},
        {"[" DOCUMENT("a", "a", "text/csv", "EXTERNAL") "]", "documents[0].visibility"},
        {"[{\"name\":\"a\",\"path\":\"a\",\"mime_type\":\"text/csv\"}]", "documents[0].visibility"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        Error error = {0};
        assert_false(check(BAD[i].json, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        if (strncmp(error.message, BAD[i].place, strlen(BAD[i].place)) != 0) {
            fail_msg("'%s' does not name %s", error.message, BAD[i].place);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lists_are_taken),
        cmocka_unit_test(broken_lists_name_their_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
