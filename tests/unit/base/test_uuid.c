/* SPDX-License-Identifier: Apache-2.0 */
/* UUID version 7: the example of RFC 9562, appendix A.6, from a clock that stands still. */
#include "unit_test.h"

#include <string.h>

#include "base/uuid.h"

static int64_t fixed_now_us(const Clock *clock)
{
    (void)clock;
    return 0x017F22E279B0LL * 1000;
}

static void fixed_random(const Clock *clock, void *bytes, size_t length)
{
    (void)clock;
    static const uint8_t TAIL[16] = {0,    0,    0,    0,    0,    0,    0x0C, 0xC3,
                                     0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
    memcpy(bytes, TAIL, length);
}

static void rfc_example_is_made(void **state)
{
    (void)state;
    const Clock clock = {.now_us = fixed_now_us, .random_bytes = fixed_random};
    assert_string_equal(uuid_create(&clock).text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

static void only_the_canonical_form_is_read(void **state)
{
    (void)state;
    Uuid uuid;
    assert_true(uuid_parse(TEXT("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), &uuid));
    assert_string_equal(uuid.text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_false(uuid_parse(TEXT("{17F22E2-79B0-7CC3-98C4-DC0C0C07398}"), &uuid));
    assert_false(uuid_parse(TEXT("017f22e279b07cc398c4dc0c0c07398f"), &uuid));
    assert_false(uuid_parse(TEXT("not-a-uuid"), &uuid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_example_is_made),
        cmocka_unit_test(only_the_canonical_form_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
