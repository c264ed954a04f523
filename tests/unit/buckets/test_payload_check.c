/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums of bodies: the check values of "123456789" that the catalogue of CRCs publishes
 * (https://reveng.sourceforge.io/crc-catalogue/all.htm: CRC-32/ISO-HDLC cbf43926, CRC-32/ISCSI
 * e3069283, CRC-64/NVME ae8b14860a799888), and md5sum's, sha1sum's and sha256sum's.
 */
#include "unit_test.h"

#include "buckets/payload_check.h"

#define DIGITS "123456789"
#define DIGITS_MD5 "25f9e794323b453885f5181f1b624d0b"
#define DIGITS_SHA256 "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"

typedef struct Case {
    ChecksumKind kind;
    const char *header;
    const char *checksum;
} Case;

static const Case CASES[] = {
    {CHECKSUM_CRC32, "x-amz-checksum-crc32", "y/Q5Jg=="},
    {CHECKSUM_CRC32C, "X-Amz-Checksum-Crc32c", "4waSgw=="},
    {CHECKSUM_CRC64NVME, "x-amz-checksum-crc64nvme", "rosUhgp5mIg="},
    {CHECKSUM_SHA1, "x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="},
    {CHECKSUM_SHA256, "x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="},
};

/* Checks DIGITS, in two pieces. */
static bool check(ChecksumKind kind, bool with_sha256, const PayloadClaims *claims, S3Fault *fault)
{
    char md5[MD5_HEX_BYTES] = "";
    PayloadCheck check;
    payload_check_init(&check, with_sha256, kind);
    payload_check_update(&check, DIGITS, 2);
    payload_check_update(&check, DIGITS + 2, sizeof DIGITS - 3);
    bool good = payload_check_finish(&check, claims, md5, fault);
    payload_check_clear(&check);
    if (good) {
        assert_string_equal(md5, DIGITS_MD5);
    }
    return good;
}

static void published_checksums_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        S3Fault fault = {.code = S3_NONE};
        const PayloadClaims claims = {.checksum = text_of(CASES[i].checksum)};
        assert_int_equal(checksum_kind(text_of(CASES[i].header)), CASES[i].kind);
        assert_true(check(CASES[i].kind, false, &claims, &fault));
    }
    assert_int_equal(checksum_kind(TEXT("x-amz-checksum-mode")), CHECKSUM_NONE);
    assert_int_equal(checksum_kind(TEXT("x-amz-checksum-crc32cc")), CHECKSUM_NONE);
    assert_int_equal(checksum_kind(TEXT("")), CHECKSUM_NONE);
}

static void other_checksum_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        S3Fault fault = {.code = S3_NONE};
        char changed[CHECKSUM_TEXT_BYTES];
        snprintf(changed, sizeof changed, "%s", CASES[i].checksum);
        changed[0] = changed[0] == 'A' ? 'B' : 'A';
        const PayloadClaims other = {.checksum = text_of(changed)};
        assert_false(check(CASES[i].kind, false, &other, &fault));
        assert_int_equal(fault.code, S3_BAD_DIGEST);
        static const char *const NONE[] = {"", "A", "AAAA", "????????",
                                           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
        for (size_t k = 0; k < ARRAY_COUNT(NONE); k++) {
            const PayloadClaims none = {.checksum = text_of(NONE[k])};
            assert_false(check(CASES[i].kind, false, &none, &fault));
            assert_int_equal(fault.code, S3_INVALID_DIGEST);
        }
    }
}

static void content_md5_is_compared(void **state)
{
    (void)state;
    S3Fault fault = {.code = S3_NONE};
    const PayloadClaims good = {.content_md5 = TEXT("JfnnlDI7RTiF9RgfG2JNCw==")};
    const PayloadClaims bad = {.content_md5 = TEXT("AfnnlDI7RTiF9RgfG2JNCw==")};
    const PayloadClaims hexadecimal = {.content_md5 = TEXT(DIGITS_MD5)};
    assert_true(check(CHECKSUM_NONE, false, &good, &fault));
    assert_false(check(CHECKSUM_NONE, false, &bad, &fault));
    assert_int_equal(fault.code, S3_BAD_DIGEST);
    assert_false(check(CHECKSUM_NONE, false, &hexadecimal, &fault));
    assert_int_equal(fault.code, S3_INVALID_DIGEST);
}

static void signed_sha256_is_compared(void **state)
{
    (void)state;
    S3Fault fault = {.code = S3_NONE};
    const PayloadClaims good = {.sha256 = TEXT(DIGITS_SHA256)};
    const PayloadClaims bad = {
        .sha256 = TEXT("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")};
    assert_true(check(CHECKSUM_CRC32, true, &good, &fault));
    assert_false(check(CHECKSUM_CRC32, true, &bad, &fault));
    assert_int_equal(fault.code, S3_SHA256_MISMATCH);
}

/* Bit by bit, as the definition has it. */
static uint64_t slow_crc64(const unsigned char *bytes, size_t length)
{
    uint64_t crc = UINT64_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x9A6C9329AC4BC9B5ULL : 0);
        }
    }
    return ~crc;
}

static void crc64_agrees_with_its_definition_in_any_pieces(void **state)
{
    (void)state;
    unsigned char bytes[67];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 151 + 7);
    }
    for (size_t length = 0; length <= sizeof bytes; length++) {
        uint64_t expected = slow_crc64(bytes, length);
        for (size_t cut = 0; cut <= length; cut += 5) {
            uint64_t crc = crc64nvme_update(0, bytes, cut);
            assert_true(crc64nvme_update(crc, bytes + cut, length - cut) == expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_checksums_are_found),
        cmocka_unit_test(other_checksum_is_refused),
        cmocka_unit_test(content_md5_is_compared),
        cmocka_unit_test(signed_sha256_is_compared),
        cmocka_unit_test(crc64_agrees_with_its_definition_in_any_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
