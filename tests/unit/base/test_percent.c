/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding there and back. */
#include "unit_test.h"

#include "base/percent.h"

static void assert_decoded(const char *text, bool plus_is_space, const char *expected)
{
    char decoded[64];
    size_t length = percent_decode(text_of(text), plus_is_space, decoded);
    assert_true(text_is((Text){decoded, length}, expected));
}

static void reserved_characters_are_encoded(void **state)
{
    (void)state;
    AUTO_BUFFER out;
    buffer_init(&out, 256);
    percent_encode(&out, TEXT("aZ09-._~ /?#[]@!&=+%\xc3\xa4"));
    assert_string_equal(buffer_to_string(&out),
                        "aZ09-._~%20%2F%3F%23%5B%5D%40%21%26%3D%2B%25%C3%A4");
    buffer_reset(&out);
    percent_encode_path(&out, TEXT("a b/c"));
    assert_string_equal(buffer_to_string(&out), "a%20b/c");
}

static void codes_are_decoded_and_the_rest_is_kept(void **state)
{
    (void)state;
    assert_decoded("a%20b%2fc%2F", false, "a b/c/");
    assert_decoded("a+b", false, "a+b");
    assert_decoded("a+b%2B", true, "a b+");
    assert_decoded("%", false, "%");
    assert_decoded("%4", false, "%4");
    assert_decoded("%zz%4g%41", false, "%zz%4gA");
    assert_decoded("%2541", false, "%41");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_characters_are_encoded),
        cmocka_unit_test(codes_are_decoded_and_the_rest_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
