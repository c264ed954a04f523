/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of a verified token: who calls, and until when. */
#include "unit_test.h"

#include "auth/claims.h"
#include "base/clock.h"
#include "json/reader.h"

#define NOW_SECONDS 1700000000LL
#define NOW_US (NOW_SECONDS * MICROSECONDS_PER_SECOND)
#define BASE "\"iss\":\"https://i/\",\"aud\":\"slideway-api\",\"sub\":\"u\",\"org_id\":\"o\""
#define LIVE ",\"exp\":1700000100"

static const TokenRules RULES = {"https://i/", "slideway-api", "org_id", "", "sub", "email"};

static bool
read_claims(const char *json, Principal *principal, int64_t *expires_at_us, Error *error)
{
    AUTO_JSON *claims = NULL;
    Error ignored = {0};
    assert_true(document_parse(text_of(json), &claims, &ignored));
    return principal_of_claims(claims, &RULES, NOW_US, principal, expires_at_us, error);
}

static void assert_accepted(const char *json)
{
    Principal principal;
    int64_t expires_at_us = 0;
    Error error = {0};
    assert_true(read_claims(json, &principal, &expires_at_us, &error));
}

static void assert_refused(const char *json, const char *why)
{
    Principal principal;
    int64_t expires_at_us = 0;
    Error error = {0};
    assert_false(read_claims(json, &principal, &expires_at_us, &error));
    assert_int_equal(error.code, ERROR_UNAUTHORIZED);
    assert_string_equal(error.message, why);
}

static void whole_principal_is_read(void **state)
{
    (void)state;
    Principal principal;
    int64_t expires_at_us = 0;
    Error error = {0};
    assert_true(read_claims("{" BASE LIVE ",\"email\":\"e@x\",\"name\":\"N\",\"role\":\"admin\"}",
                            &principal, &expires_at_us, &error));
    assert_string_equal(principal.user_id, "u");
    assert_string_equal(principal.organization_id, "o");
    assert_string_equal(principal.email, "e@x");
    assert_string_equal(principal.name, "N");
    assert_int_equal(principal.role, ROLE_ADMIN);
    /* exp and a minute of leeway */
    assert_true(expires_at_us == 1700000160LL * MICROSECONDS_PER_SECOND);
}

static void email_that_is_not_verified_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *verified;
        const char *email;
    } CASES[] = {{"false", ""}, {"true", "e@x"}, {"null", "e@x"}};
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        char json[256];
        snprintf(json, sizeof json, "{" BASE LIVE ",\"email\":\"e@x\",\"email_verified\":%s}",
                 CASES[i].verified);
        Principal principal;
        int64_t expires_at_us = 0;
        Error error = {0};
        assert_true(read_claims(json, &principal, &expires_at_us, &error));
        assert_string_equal(principal.email, CASES[i].email);
    }
}

static void issuer_must_be_the_same_byte_for_byte(void **state)
{
    (void)state;
    assert_refused("{\"iss\":\"https://i\"" LIVE "}", "The token comes from another issuer.");
    assert_refused("{\"iss\":[\"https://i/\"]" LIVE "}", "The token comes from another issuer.");
    assert_refused("{\"exp\":1700000100}", "The token comes from another issuer.");
}

static void audience_may_be_a_list(void **state)
{
    (void)state;
    const char *why = "The token is for another audience.";
    assert_accepted("{\"iss\":\"https://i/\",\"aud\":[\"x\",\"slideway-api\"],\"sub\":\"u\","
                    "\"org_id\":\"o\"" LIVE "}");
    assert_refused("{\"iss\":\"https://i/\",\"aud\":[\"x\",1]" LIVE "}", why);
    assert_refused("{\"iss\":\"https://i/\",\"aud\":[]" LIVE "}", why);
    assert_refused("{\"iss\":\"https://i/\"" LIVE "}", why);
    assert_refused("{\"iss\":\"https://i/\",\"aud\":{\"slideway-api\":1}" LIVE "}", why);
}

static void expiry_has_a_minute_of_leeway(void **state)
{
    (void)state;
    assert_accepted("{" BASE ",\"exp\":1699999941}");
    assert_accepted("{" BASE ",\"exp\":1699999940.5}");
    assert_refused("{" BASE ",\"exp\":1699999940}", "The token has expired.");
    assert_refused("{" BASE ",\"exp\":\"1700000100\"}", "The token does not say when it expires.");
    assert_refused("{" BASE ",\"exp\":1e300}", "The token does not say when it expires.");
    assert_refused("{" BASE ",\"exp\":-1}", "The token does not say when it expires.");
    assert_refused("{" BASE "}", "The token does not say when it expires.");
}

static void token_of_tomorrow_is_not_valid_today(void **state)
{
    (void)state;
    assert_accepted("{" BASE LIVE ",\"nbf\":1700000060}");
    assert_refused("{" BASE LIVE ",\"nbf\":1700000061}", "The token is not valid yet.");
    assert_refused("{" BASE LIVE ",\"nbf\":\"soon\"}", "The token is not valid yet.");
}

static void token_of_the_future_is_refused(void **state)
{
    (void)state;
    const char *why = "The token was issued in the future.";
    assert_accepted("{" BASE LIVE ",\"iat\":1700000060}");
    assert_refused("{" BASE LIVE ",\"iat\":1700000061}", why);
    assert_refused("{" BASE LIVE ",\"iat\":\"now\"}", why);
    assert_refused("{" BASE LIVE ",\"iat\":-1}", why);
}

static void claims_may_have_other_names(void **state)
{
    (void)state;
    static const TokenRules OTHERS = {"https://i/", "slideway-api", "hd", "groups", "oid", "upn"};
    AUTO_JSON *claims = NULL;
    Error error = {0};
    Principal principal;
    int64_t expires_at_us = 0;
    assert_true(document_parse(TEXT("{" BASE LIVE ",\"hd\":\"lab\",\"groups\":\"admin\","
                                    "\"oid\":\"7\",\"upn\":\"a@lab\",\"email\":\"x@y\"}"),
                               &claims, &error));
    assert_true(principal_of_claims(claims, &OTHERS, NOW_US, &principal, &expires_at_us, &error));
    assert_string_equal(principal.user_id, "7");
    assert_string_equal(principal.organization_id, "lab");
    assert_string_equal(principal.email, "a@lab");
    assert_int_equal(principal.role, ROLE_ADMIN);
}

static void caller_must_be_named(void **state)
{
    (void)state;
    assert_refused("{\"iss\":\"https://i/\",\"aud\":\"slideway-api\"" LIVE "}",
                   "The token does not say whose it is.");
    assert_refused("{\"iss\":\"https://i/\",\"aud\":\"slideway-api\",\"sub\":\"\"" LIVE "}",
                   "The token does not say whose it is.");
    assert_refused("{\"iss\":\"https://i/\",\"aud\":\"slideway-api\",\"sub\":\"u\"" LIVE "}",
                   "The token names no organization.");
}

static void unknown_role_gives_no_rights(void **state)
{
    (void)state;
    assert_refused("{" BASE LIVE ",\"role\":\"root\"}", "The token's role is unknown.");
    assert_refused("{" BASE LIVE ",\"role\":[\"admin\"]}", "The token's role is unknown.");
}

static void role_under_the_audience_comes_first(void **state)
{
    (void)state;
    Principal principal;
    int64_t expires_at_us = 0;
    Error error = {0};
    assert_true(read_claims("{" BASE LIVE ",\"slideway-api/role\":\"member\",\"role\":\"admin\"}",
                            &principal, &expires_at_us, &error));
    assert_int_equal(principal.role, ROLE_MEMBER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_principal_is_read),
        cmocka_unit_test(email_that_is_not_verified_is_none),
        cmocka_unit_test(issuer_must_be_the_same_byte_for_byte),
        cmocka_unit_test(audience_may_be_a_list),
        cmocka_unit_test(expiry_has_a_minute_of_leeway),
        cmocka_unit_test(token_of_tomorrow_is_not_valid_today),
        cmocka_unit_test(token_of_the_future_is_refused),
        cmocka_unit_test(claims_may_have_other_names),
        cmocka_unit_test(caller_must_be_named),
        cmocka_unit_test(unknown_role_gives_no_rights),
        cmocka_unit_test(role_under_the_audience_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
