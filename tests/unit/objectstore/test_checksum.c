/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C against published values: the check value of the CRC catalogue and RFC 3720, B.4. */
#include "unit_test.h"

#include "objectstore/checksum.h"

static void published_values_are_met(void **state)
{
    (void)state;
    unsigned char bytes[32] = {0};
    assert_int_equal(crc32c_update(CRC32C_EMPTY, "123456789", 9), 0xe3069283U);
    assert_int_equal(crc32c_update(CRC32C_EMPTY, bytes, 32), 0x8a9136aaU);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c_update(CRC32C_EMPTY, bytes, 32), 0x62a8ab43U);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)i;
    }
    assert_int_equal(crc32c_update(CRC32C_EMPTY, bytes, 32), 0x46dd794eU);
    assert_int_equal(crc32c_update(CRC32C_EMPTY, "", 0), 0);
}

static void pieces_give_the_value_of_the_whole(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= 9; cut++) {
        uint32_t crc = crc32c_update(CRC32C_EMPTY, "123456789", cut);
        assert_int_equal(crc32c_update(crc, &"123456789"[cut], 9 - cut), 0xe3069283U);
    }
}

static void text_is_base64_of_the_big_endian_value(void **state)
{
    (void)state;
    char text[CRC32C_TEXT_BYTES];
    uint32_t crc = 0;
    crc32c_to_base64(0xe3069283U, text);
    assert_string_equal(text, "4waSgw==");
    assert_true(crc32c_of_base64(TEXT("4waSgw=="), &crc));
    assert_int_equal(crc, 0xe3069283U);
    static const char *const BAD[] = {"", "4waSgw", "4waSgw=", "4waSgwA=", "4waS", "????????"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(crc32c_of_base64(text_of(BAD[i]), &crc));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_are_met),
        cmocka_unit_test(pieces_give_the_value_of_the_whole),
        cmocka_unit_test(text_is_base64_of_the_big_endian_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
