/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of buckets: what is sealed is opened by its own key and for its own id alone. */
#include "unit_test.h"

#include "base/alloc.h"
#include "buckets/bucket_key.h"
#include "buckets/bucket_url.h"

#define SIGNING_KEY "0123456789abcdef0123456789abcdef"

static BucketSeal seal_of(const char *signing_key)
{
    BucketSeal seal;
    bucket_seal_init(&seal, text_of(signing_key));
    return seal;
}

static void key_is_derived_by_hkdf(void **state)
{
    (void)state;
    /* python3-cryptography: HKDF(SHA256(), 32, salt=None, info=b"slideway bucket secrets 1")
     * .derive(b"0123456789abcdef0123456789abcdef") */
    static const unsigned char EXPECTED[BUCKET_SEAL_BYTES] = {
        0xca, 0x48, 0xa7, 0x84, 0x5a, 0xc8, 0xde, 0x69, 0xf2, 0xab, 0xdb,
        0x4a, 0xce, 0x50, 0xfe, 0x73, 0xca, 0x64, 0x35, 0xa6, 0x0a, 0x15,
        0xab, 0x60, 0x7c, 0x3e, 0x78, 0x84, 0x26, 0x3a, 0x31, 0x54};
    BucketSeal seal = seal_of(SIGNING_KEY);
    assert_memory_equal(seal.key, EXPECTED, sizeof EXPECTED);
}

static void sealed_secret_is_opened(void **state)
{
    (void)state;
    Error error = {0};
    BucketSeal seal = seal_of(SIGNING_KEY);
    BucketKey key;
    BucketKey other;
    bucket_key_create(&seal, &SYSTEM_CLOCK, &key);
    bucket_key_create(&seal, &SYSTEM_CLOCK, &other);
    assert_int_equal(strlen(key.access_key_id), 20);
    assert_memory_equal(key.access_key_id, "SLDW", 4);
    assert_string_not_equal(key.access_key_id, other.access_key_id);
    BucketSecret secret;
    BucketSecret others;
    assert_true(bucket_secret_open(&seal, key.access_key_id, key.sealed_secret, &secret, &error));
    assert_true(
        bucket_secret_open(&seal, other.access_key_id, other.sealed_secret, &others, &error));
    assert_int_equal(strlen(secret.text), 43);
    assert_string_not_equal(secret.text, others.text);
    assert_null(strstr(key.sealed_secret, secret.text));
}

static void foreign_seal_is_refused(void **state)
{
    (void)state;
    Error error = {0};
    BucketSeal seal = seal_of(SIGNING_KEY);
    BucketSeal foreign = seal_of("0123456789abcdef0123456789abcdeg");
    BucketKey key;
    BucketSecret secret = {.text = "untouched"};
    bucket_key_create(&seal, &SYSTEM_CLOCK, &key);
    assert_false(
        bucket_secret_open(&foreign, key.access_key_id, key.sealed_secret, &secret, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_false(
        bucket_secret_open(&seal, "SLDWAAAAAAAAAAAAAAAA", key.sealed_secret, &secret, &error));
    assert_string_equal(secret.text, "untouched");
}

static void damaged_secret_is_refused(void **state)
{
    (void)state;
    BucketSeal seal = seal_of(SIGNING_KEY);
    BucketKey key;
    BucketSecret secret;
    bucket_key_create(&seal, &SYSTEM_CLOCK, &key);
    for (size_t i = 0; key.sealed_secret[i] != '\0' && key.sealed_secret[i] != '='; i++) {
        Error error = {0};
        BucketKey damaged = key;
        damaged.sealed_secret[i] = damaged.sealed_secret[i] == 'A' ? 'B' : 'A';
        assert_false(
            bucket_secret_open(&seal, key.access_key_id, damaged.sealed_secret, &secret, &error));
    }
    static const char *const NONE[] = {"", "A", "AAAA", "no base64 at all",
                                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < ARRAY_COUNT(NONE); i++) {
        Error error = {0};
        assert_false(bucket_secret_open(&seal, key.access_key_id, NONE[i], &secret, &error));
    }
}

static void name_fits_a_host(void **state)
{
    (void)state;
    static const struct {
        const char *organization_id;
        const char *start;
    } CASES[] = {
        {"hospital", "hospital-"},
        {"org_AB.12", "org-ab-12-"},
        {"--Ärzte & Co--", "rzte-co-"},
        {"", "bucket-"},
        {"!!!", "bucket-"},
        {"01234567890123456789012345678901234567890123456789",
         "0123456789012345678901234567890123456789-"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        char name[BUCKET_NAME_BYTES];
        char again[BUCKET_NAME_BYTES];
        bucket_name_create(CASES[i].organization_id, &SYSTEM_CLOCK, name);
        bucket_name_create(CASES[i].organization_id, &SYSTEM_CLOCK, again);
        size_t start = strlen(CASES[i].start);
        assert_memory_equal(name, CASES[i].start, start);
        assert_int_equal(strlen(name), start + 12);
        assert_int_equal(strspn(name + start, "0123456789abcdef"), 12);
        assert_string_not_equal(name, again);
    }
}

static void host_of_a_url_is_found(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"http://127.0.0.1:8081", "127.0.0.1"},
        {"https://objects.example.org/a?b", "objects.example.org"},
        {"https://objects.example.org", "objects.example.org"},
        {"https://[::1]:80", NULL},
        {"no url", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        AUTO_FREE char *host = bucket_url_host(CASES[i][0]);
        if (CASES[i][1] == NULL) {
            assert_null(host);
        } else {
            assert_string_equal(host, CASES[i][1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_is_derived_by_hkdf),  cmocka_unit_test(sealed_secret_is_opened),
        cmocka_unit_test(foreign_seal_is_refused), cmocka_unit_test(damaged_secret_is_refused),
        cmocka_unit_test(name_fits_a_host),        cmocka_unit_test(host_of_a_url_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
