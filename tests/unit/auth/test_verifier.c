/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier with a key file that changes, under a clock that the test holds. */
#include "unit_test.h"

#include <stdio.h>
#include <string.h>

#include "auth/issuer.h"
#include "auth/verifier.h"
#include "base/alloc.h"
#include "base/file.h"

static int64_t now_us = 1700000000LL * MICROSECONDS_PER_SECOND;

static size_t looks_at_clock;

static int64_t held_now_us(const Clock *clock)
{
    (void)clock;
    looks_at_clock++;
    return now_us;
}

static int64_t held_monotonic_us(const Clock *clock)
{
    (void)clock;
    return now_us;
}

static const Clock HELD_CLOCK = {.now_us = held_now_us, .monotonic_us = held_monotonic_us};
static const TokenRules RULES = {"https://i/", "slideway-api", "org_id", "", "sub", "email"};
static char folder[] = "/tmp/slideway-verifier-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? 1 : 0;
}

static int drop_folder(void **state)
{
    (void)state;
    Error error = {0};
    return folder_remove(folder, &error) ? 0 : 1;
}

static char *sign_token_of(const char *issuer_folder, const char *client_id)
{
    AUTO_FREE char *pem = alloc_format("%s/%s", issuer_folder, ISSUER_PRIVATE_FILE);
    const IssuerClaims claims = {.issuer = "https://i/",
                                 .audience = "slideway-api",
                                 .user_id = "u",
                                 .client_id = client_id,
                                 .organization_id = "o",
                                 .role = "superadmin",
                                 .issued_at_us = now_us,
                                 .lifetime_seconds = 600};
    char *token = NULL;
    Error error = {0};
    AUTO_ISSUER_KEY *key = NULL;
    assert_true(issuer_key_read(pem, &key, &error));
    assert_true(issuer_sign(key, &claims, &token, &error));
    return token;
}

static char *sign_token(const char *issuer_folder)
{
    return sign_token_of(issuer_folder, "client");
}

static void assert_unauthorized(TokenVerifier *verifier, const char *token)
{
    Principal principal;
    Error error = {0};
    char missing[KEY_ID_BYTES];
    assert_int_equal(verifier_check(verifier, text_of(token), &principal, missing, &error),
                     TOKEN_REFUSED);
    assert_int_equal(error.code, ERROR_UNAUTHORIZED);
}

static void assert_authorized(TokenVerifier *verifier, const char *token)
{
    Principal principal;
    memset(&principal, 'x', sizeof principal); /* what another request left there */
    Error error = {0};
    char missing[KEY_ID_BYTES];
    assert_int_equal(verifier_check(verifier, text_of(token), &principal, missing, &error),
                     TOKEN_VALID);
    assert_string_equal(principal.user_id, "u");
    assert_string_equal(principal.organization_id, "o");
    assert_string_equal(principal.email, "");
    assert_string_equal(principal.name, "");
    assert_int_equal(principal.role, ROLE_SUPERADMIN);
    assert_false(principal.read_only);
}

static TokenVerifier *verifier_of_new_issuer(const char *issuer)
{
    AUTO_FREE char *jwks = alloc_format("%s/%s", issuer, ISSUER_JWKS_FILE);
    Error error = {0};
    TokenVerifier *verifier = NULL;
    assert_true(issuer_create(issuer, &error));
    assert_true(
        verifier_create(&RULES, &(KeyOrigin){.jwks_path = jwks}, &HELD_CLOCK, &verifier, &error));
    return verifier;
}

static void issued_token_is_valid_until_it_expires(void **state)
{
    (void)state;
    AUTO_FREE char *issuer = alloc_format("%s/a", folder);
    TokenVerifier *verifier = verifier_of_new_issuer(issuer);
    AUTO_FREE char *token = sign_token(issuer);
    assert_authorized(verifier, token);
    assert_authorized(verifier, token); /* as remembered */
    AUTO_FREE char *changed = alloc_string(token);
    changed[strlen(changed) - 10] ^= 1;
    assert_unauthorized(verifier, changed);
    now_us += 661 * MICROSECONDS_PER_SECOND;
    assert_unauthorized(verifier, token);
    verifier_destroy(verifier);
}

/* A token that is verified anew makes one more look at the time than one that is remembered. */
static void hundred_tokens_are_remembered_at_once(void **state)
{
    enum { TOKENS = 100 };
    (void)state;
    AUTO_FREE char *issuer = alloc_format("%s/h", folder);
    TokenVerifier *verifier = verifier_of_new_issuer(issuer);
    char *tokens[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
        AUTO_FREE char *client = alloc_format("client-%d", i);
        tokens[i] = sign_token_of(issuer, client);
        looks_at_clock = 0;
        assert_authorized(verifier, tokens[i]);
        assert_int_equal(looks_at_clock, 2);
    }
    looks_at_clock = 0;
    for (int i = 0; i < TOKENS; i++) {
        assert_authorized(verifier, tokens[i]);
    }
    assert_int_equal(looks_at_clock, TOKENS);
    now_us += 661 * MICROSECONDS_PER_SECOND;
    for (int i = 0; i < TOKENS; i++) {
        assert_unauthorized(verifier, tokens[i]);
        alloc_free(tokens[i]);
    }
    verifier_destroy(verifier);
}

static void new_keys_are_taken_and_old_tokens_forgotten(void **state)
{
    (void)state;
    AUTO_FREE char *first = alloc_format("%s/b", folder);
    AUTO_FREE char *second = alloc_format("%s/c", folder);
    AUTO_FREE char *jwks = alloc_format("%s/%s", first, ISSUER_JWKS_FILE);
    AUTO_FREE char *new_jwks = alloc_format("%s/%s", second, ISSUER_JWKS_FILE);
    Error error = {0};
    TokenVerifier *verifier = NULL;
    assert_true(issuer_create(first, &error));
    assert_true(issuer_create(second, &error));
    assert_true(
        verifier_create(&RULES, &(KeyOrigin){.jwks_path = jwks}, &HELD_CLOCK, &verifier, &error));
    AUTO_FREE char *old_token = sign_token(first);
    AUTO_FREE char *new_token = sign_token(second);
    assert_authorized(verifier, old_token);
    assert_unauthorized(verifier, new_token);
    assert_int_equal(rename(new_jwks, jwks), 0);
    /* Unknown keys are looked for once a second at most. */
    assert_unauthorized(verifier, new_token);
    now_us += 2 * MICROSECONDS_PER_SECOND;
    assert_authorized(verifier, new_token);
    assert_unauthorized(verifier, old_token);
    verifier_destroy(verifier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(issued_token_is_valid_until_it_expires),
        cmocka_unit_test(hundred_tokens_are_remembered_at_once),
        cmocka_unit_test(new_keys_are_taken_and_old_tokens_forgotten),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
