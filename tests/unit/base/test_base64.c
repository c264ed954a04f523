/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 against the vectors of RFC 4648, section 10, and its refusals. */
#include "unit_test.h"

#include <string.h>

#include "base/base64.h"

static const struct {
    const char *plain;
    const char *encoded;
} VECTORS[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

static void rfc_vectors_encode_and_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(VECTORS); i++) {
        char out[32];
        base64_encode(VECTORS[i].plain, strlen(VECTORS[i].plain), out);
        assert_string_equal(out, VECTORS[i].encoded);
        AUTO_BUFFER back;
        buffer_init(&back, 64);
        assert_true(base64_decode(text_of(VECTORS[i].encoded), &back));
        assert_string_equal(buffer_to_string(&back), VECTORS[i].plain);
    }
}

static void url_alphabet_has_no_padding(void **state)
{
    (void)state;
    char out[32];
    base64url_encode("\xfb\xff\xfe\xff", 4, out);
    assert_string_equal(out, "-__-_w");
}

static void malformed_text_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {"Zg=", "Z===", "Zg==Zg==", "Zh==", "Zm9v\n", "Zm 9", "-_=="};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        AUTO_BUFFER back;
        buffer_init(&back, 64);
        assert_false(base64_decode(text_of(BAD[i]), &back));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_vectors_encode_and_decode),
        cmocka_unit_test(url_alphabet_has_no_padding),
        cmocka_unit_test(malformed_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
