/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys of a JWKS are taken. */
#include "unit_test.h"

#include "auth/jwks.h"
#include "vectors.h"

static size_t count_of(const char *json)
{
    KeySet keys;
    Error error = {0};
    if (!keyset_parse(text_of(json), &keys, &error)) {
        assert_int_equal(error.code, ERROR_INVALID);
        return 0;
    }
    size_t count = keys.count;
    keyset_clear(&keys);
    return count;
}

static void usable_keys_of_all_kinds_are_taken(void **state)
{
    (void)state;
    assert_int_equal(count_of("{\"keys\":[" RS256_JWK "," ES256_JWK "," EDDSA_JWK "]}"), 3);
}

static void other_keys_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(count_of("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}," ES256_JWK "]}"), 1);
    assert_int_equal(count_of("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"), 0);
    assert_int_equal(count_of("{\"keys\":[" EDDSA_JWK_FOR("Ed448") "]}"), 0);
    assert_int_equal(count_of("{\"keys\":[" EDDSA_JWK_FOR("RS256") "]}"), 0);
    assert_int_equal(count_of("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"Ed25519\","
                              "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                              "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"),
                     0);
    assert_int_equal(count_of("{\"keys\":[{\"kty\":\"EC\",\"use\":\"enc\",\"crv\":\"P-256\"}]}"),
                     0);
    assert_int_equal(count_of("{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"AA\","
                              "\"e\":\"AQAB\"}]}"),
                     0);
}

static void weak_rsa_keys_are_passed_over(void **state)
{
    (void)state;
    /* 1024 bits */
    assert_int_equal(
        count_of("{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
                 "4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw"
                 "4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw4wSgw"
                 "\"}]}"),
        0);
}

static void points_off_the_curve_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(count_of("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
                              "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                              "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}"),
                     0);
}

static void what_is_no_jwks_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[1,null,\"x\"]}"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(count_of(BAD[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usable_keys_of_all_kinds_are_taken),
        cmocka_unit_test(other_keys_are_passed_over),
        cmocka_unit_test(weak_rsa_keys_are_passed_over),
        cmocka_unit_test(points_off_the_curve_are_passed_over),
        cmocka_unit_test(what_is_no_jwks_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
