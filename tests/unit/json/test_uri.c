/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of RFC 3986, 5.4, and what schemas have besides. */
#include "unit_test.h"

#include "json/uri.h"

static void references_are_resolved_as_the_rfc_shows(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
    };
    AUTO_ARENA arena;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_string_equal(uri_resolve(TEXT("http://a/b/c/d;p?q"), text_of(CASES[i][0]), &arena),
                            CASES[i][1]);
    }
}

static void bases_may_be_empty_or_have_no_path(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena);
    assert_string_equal(uri_resolve(TEXT(""), TEXT("#/a"), &arena), "#/a");
    assert_string_equal(uri_resolve(TEXT(""), TEXT("other.json"), &arena), "other.json");
    assert_string_equal(uri_resolve(TEXT("http://a"), TEXT("b"), &arena), "http://a/b");
    assert_string_equal(uri_resolve(TEXT("http://a/b#old"), TEXT("#new"), &arena),
                        "http://a/b#new");
    assert_string_equal(uri_resolve(TEXT("urn:uuid:1"), TEXT("#x"), &arena), "urn:uuid:1#x");
    Text fragment;
    assert_true(text_is(uri_split(TEXT("http://a/b#c"), &fragment), "http://a/b"));
    assert_true(text_is(fragment, "c"));
    assert_true(text_is(uri_split(TEXT("a"), &fragment), "a"));
    assert_int_equal(fragment.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_resolved_as_the_rfc_shows),
        cmocka_unit_test(bases_may_be_empty_or_have_no_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
