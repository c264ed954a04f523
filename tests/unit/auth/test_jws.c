/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: the published examples are accepted, hostile ones are not. */
#include "unit_test.h"

#include "auth/jws.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "token_maker.h"
#include "vectors.h"
#include "json/reader.h"

#define CLAIMS "{\"sub\":\"u\"}"
#define HEADER "{\"alg\":\"RS256\",\"kid\":\"k1\"}"

static TokenMaker maker;

static int make_key(void **state)
{
    (void)state;
    token_maker_init(&maker);
    return 0;
}

static int drop_key(void **state)
{
    (void)state;
    token_maker_clear(&maker);
    return 0;
}

static JwsVerdict verdict_of(const KeySet *keys, const char *token, Error *error)
{
    AUTO_JSON *claims = NULL;
    char missing[KEY_ID_BYTES];
    JwsVerdict verdict = jws_verify(keys, text_of(token), &claims, missing, error);
    assert_true((verdict == JWS_VALID) == (claims != NULL));
    assert_true((verdict == JWS_VALID) == (error->code == ERROR_NONE));
    return verdict;
}

static void assert_refused(const char *token, const char *why)
{
    Error error = {0};
    assert_int_equal(verdict_of(&maker.keys, token, &error), JWS_REFUSED);
    assert_int_equal(error.code, ERROR_UNAUTHORIZED);
    assert_string_equal(error.message, why);
}

static void assert_refused_signed(const char *header, const char *claims, const char *why)
{
    AUTO_FREE char *token = token_maker_sign(&maker, header, claims);
    assert_refused(token, why);
}

static void check_published(const char *jwk, const char *token)
{
    AUTO_FREE char *json = alloc_format("{\"keys\":[%s]}", jwk);
    KeySet keys;
    Error error = {0};
    assert_true(keyset_parse(text_of(json), &keys, &error));
    assert_int_equal(verdict_of(&keys, token, &error), JWS_VALID);
    keyset_clear(&keys);
}

static void published_tokens_are_valid(void **state)
{
    (void)state;
    check_published(RS256_JWK, RS256_TOKEN);
    check_published(ES256_JWK, ES256_TOKEN);
}

/* The example's payload is no JSON: it is refused for that, and only after its signature fitted. */
static void published_eddsa_signature_fits(void **state)
{
    (void)state;
    KeySet keys;
    Error error = {0};
    assert_true(keyset_parse(TEXT("{\"keys\":[" EDDSA_JWK "]}"), &keys, &error));
    assert_int_equal(verdict_of(&keys, EDDSA_SIGNED "." EDDSA_SIGNATURE, &error), JWS_REFUSED);
    assert_string_equal(error.message, "The token is not a well-formed JSON Web Token.");
    assert_int_equal(verdict_of(&keys, EDDSA_SIGNED "A." EDDSA_SIGNATURE, &error), JWS_REFUSED);
    assert_string_equal(error.message, "The token's signature does not match.");
    keyset_clear(&keys);
}

static void both_names_of_ed25519_are_one(void **state)
{
    (void)state;
    static const char *const KEYS[] = {EDDSA_JWK, EDDSA_JWK_FOR("EdDSA"), EDDSA_JWK_FOR("Ed25519")};
    for (size_t i = 0; i < ARRAY_COUNT(KEYS); i++) {
        check_published(KEYS[i], EDDSA_TOKEN);
        check_published(KEYS[i], ED25519_TOKEN);
    }
}

static void changed_claims_are_refused(void **state)
{
    (void)state;
    AUTO_FREE char *token = token_maker_sign(&maker, HEADER, CLAIMS);
    char *claims = strchr(token, '.') + 1;
    claims[4] = claims[4] == 'A' ? 'B' : 'A';
    assert_refused(token, "The token's signature does not match.");
}

static void other_algorithms_are_refused(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"none",  "None",  "NONE",  "HS256",   "HS384", "RS384",
                                        "PS256", "ES384", "rs256", "ed25519", "Ed448", ""};
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        AUTO_FREE char *header = alloc_format("{\"alg\":\"%s\",\"kid\":\"k1\"}", NAMES[i]);
        assert_refused_signed(header, CLAIMS, "The token's algorithm is not allowed.");
    }
    assert_refused_signed("{\"kid\":\"k1\"}", CLAIMS, "The token's algorithm is not allowed.");
    assert_refused_signed("{\"alg\":null,\"kid\":\"k1\"}", CLAIMS,
                          "The token's algorithm is not allowed.");
}

static void public_key_is_no_hmac_secret(void **state)
{
    (void)state;
    AUTO_FREE char *token = token_maker_hmac(&maker, "{\"alg\":\"HS256\",\"kid\":\"k1\"}", CLAIMS);
    assert_refused(token, "The token's algorithm is not allowed.");
    AUTO_FREE char *disguised = token_maker_hmac(&maker, HEADER, CLAIMS);
    assert_refused(disguised, "The token's signature does not match.");
}

static void header_cannot_choose_how_a_key_is_used(void **state)
{
    (void)state;
    assert_refused_signed("{\"alg\":\"ES256\",\"kid\":\"k1\"}", CLAIMS,
                          "The token's algorithm is not the one of its key.");
    assert_refused_signed("{\"alg\":\"EdDSA\",\"kid\":\"k1\"}", CLAIMS,
                          "The token's algorithm is not the one of its key.");
    assert_refused_signed("{\"alg\":\"Ed25519\",\"kid\":\"k1\"}", CLAIMS,
                          "The token's algorithm is not the one of its key.");
}

static void extensions_are_refused(void **state)
{
    (void)state;
    const char *why = "The token needs an extension that is not supported.";
    assert_refused_signed("{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[\"exp\"]}", CLAIMS, why);
    assert_refused_signed("{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[]}", CLAIMS, why);
    assert_refused_signed("{\"alg\":\"RS256\",\"kid\":\"k1\",\"b64\":false}", CLAIMS, why);
}

static void tokens_of_other_types_are_refused(void **state)
{
    (void)state;
    const char *why = "The token is of another type than an access token.";
    static const char *const GOOD[] = {"JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"};
    for (size_t i = 0; i < ARRAY_COUNT(GOOD); i++) {
        AUTO_FREE char *header =
            alloc_format("{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"%s\"}", GOOD[i]);
        AUTO_FREE char *token = token_maker_sign(&maker, header, CLAIMS);
        Error error = {0};
        assert_int_equal(verdict_of(&maker.keys, token, &error), JWS_VALID);
    }
    static const char *const BAD[] = {"\"logout+jwt\"", "\"dpop+jwt\"",     "\"\"",        "1",
                                      "null",           "\"application/\"", "\"text/JWT\""};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        AUTO_FREE char *header =
            alloc_format("{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":%s}", BAD[i]);
        assert_refused_signed(header, CLAIMS, why);
    }
}

static void unknown_key_is_told_apart(void **state)
{
    (void)state;
    AUTO_FREE char *token = token_maker_sign(&maker, "{\"alg\":\"RS256\",\"kid\":\"k2\"}", CLAIMS);
    Error error = {0};
    assert_int_equal(verdict_of(&maker.keys, token, &error), JWS_UNKNOWN_KEY);
}

static void missing_key_id_needs_a_single_key(void **state)
{
    (void)state;
    AUTO_FREE char *token = token_maker_sign(&maker, "{\"alg\":\"RS256\"}", CLAIMS);
    Error error = {0};
    assert_int_equal(verdict_of(&maker.keys, token, &error), JWS_VALID);
    KeySet two = maker.keys;
    two.keys[1] = two.keys[0];
    two.count = 2;
    assert_int_equal(verdict_of(&two, token, &error), JWS_REFUSED);
    assert_string_equal(error.message, "The token names no key.");
}

static void duplicate_members_are_refused(void **state)
{
    (void)state;
    const char *why = "The token is not a well-formed JSON Web Token.";
    assert_refused_signed(HEADER, "{\"sub\":\"a\",\"sub\":\"b\"}", why);
    assert_refused_signed("{\"alg\":\"RS256\",\"alg\":\"RS256\"}", CLAIMS, why);
    assert_refused_signed(HEADER, "[1]", why);
    assert_refused_signed(HEADER, "{\"sub\":\"a\"} x", why);
}

static void malformed_tokens_are_refused(void **state)
{
    (void)state;
    const char *why = "The token is not a well-formed JSON Web Token.";
    AUTO_FREE char *token = token_maker_sign(&maker, HEADER, CLAIMS);
    AUTO_FREE char *two_signatures = alloc_format("%s%s", token, strrchr(token, '.'));
    AUTO_FREE char *no_signature = alloc_string(token);
    *strrchr(no_signature, '.') = '\0';
    AUTO_FREE char *empty_signature = alloc_format("%s.", no_signature);
    assert_refused(two_signatures, why);
    assert_refused(no_signature, why);
    assert_refused(empty_signature, why);
    assert_refused("", why);
    assert_refused("..", why);
    assert_refused("a.b.c", why);
    AUTO_FREE char *padded = alloc_format("%s=", token);
    assert_refused(padded, "The token's signature does not match.");
}

static void oversized_tokens_are_refused(void **state)
{
    (void)state;
    AUTO_FREE char *filler = alloc_array(TOKEN_BYTES_MAX + 1, 1);
    memset(filler, 'x', TOKEN_BYTES_MAX);
    filler[TOKEN_BYTES_MAX] = '\0';
    AUTO_FREE char *claims = alloc_format("{\"sub\":\"%s\"}", filler);
    assert_refused_signed(HEADER, claims, "The token is not a well-formed JSON Web Token.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_tokens_are_valid),
        cmocka_unit_test(published_eddsa_signature_fits),
        cmocka_unit_test(both_names_of_ed25519_are_one),
        cmocka_unit_test(changed_claims_are_refused),
        cmocka_unit_test(other_algorithms_are_refused),
        cmocka_unit_test(public_key_is_no_hmac_secret),
        cmocka_unit_test(header_cannot_choose_how_a_key_is_used),
        cmocka_unit_test(extensions_are_refused),
        cmocka_unit_test(tokens_of_other_types_are_refused),
        cmocka_unit_test(unknown_key_is_told_apart),
        cmocka_unit_test(missing_key_id_needs_a_single_key),
        cmocka_unit_test(duplicate_members_are_refused),
        cmocka_unit_test(malformed_tokens_are_refused),
        cmocka_unit_test(oversized_tokens_are_refused),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
