/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many RS256 tokens one core verifies in a second: each as if it was seen for the first time,
 * and by a verifier that remembers them. Prints both rates, by processor time.
 *
 * usage: verify_tokens FOLDER SECONDS     FOLDER gets a key
 */
#include <stdio.h>
#include <time.h>

#include "auth/issuer.h"
#include "auth/jws.h"
#include "auth/verifier.h"
#include "base/alloc.h"
#include "base/parse.h"
#include "base/text.h"
#include "json/reader.h"

enum { TOKENS = 64, SECONDS_MAX = 60 };

static const TokenRules RULES = {
    "https://issuer.test/", "slideway-api", "org_id", "", "sub", "email"};

typedef struct Bench {
    char *tokens[TOKENS];
    KeySet keys;
    TokenVerifier *verifier;
} Bench;

static bool make_tokens(const char *folder, Bench *bench, Error *error)
{
    AUTO_FREE char *pem = alloc_format("%s/" ISSUER_PRIVATE_FILE, folder);
    AUTO_ISSUER_KEY *key = NULL;
    if (!issuer_create(folder, error) || !issuer_key_read(pem, &key, error)) {
        return false;
    }
    for (int i = 0; i < TOKENS; i++) {
        AUTO_FREE char *user = alloc_format("user-%d", i);
        const IssuerClaims claims = {.issuer = RULES.issuer,
                                     .audience = RULES.audience,
                                     .user_id = user,
                                     .client_id = "slideway",
                                     .organization_id = "hospital",
                                     .role = "member",
                                     .scope = "openid offline_access",
                                     .issued_at_us = clock_now_us(&SYSTEM_CLOCK),
                                     .lifetime_seconds = 3600};
        if (!issuer_sign(key, &claims, &bench->tokens[i], error)) {
            return false;
        }
    }
    return true;
}

static bool judge(Bench *bench, Text token, Error *error)
{
    AUTO_JSON *claims = NULL;
    char missing[KEY_ID_BYTES];
    Principal principal;
    int64_t expires_at_us = 0;
    return jws_verify(&bench->keys, token, &claims, missing, error) == JWS_VALID &&
           principal_of_claims(claims, &RULES, clock_now_us(&SYSTEM_CLOCK), &principal,
                               &expires_at_us, error);
}

static bool remember(Bench *bench, Text token, Error *error)
{
    char missing[KEY_ID_BYTES];
    Principal principal;
    return verifier_check(bench->verifier, token, &principal, missing, error) == TOKEN_VALID;
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool measure(Bench *bench,
                    bool (*verify)(Bench *, Text, Error *),
                    double seconds,
                    double *rate_out,
                    Error *error)
{
    double began = processor_seconds();
    double spent = 0;
    long count = 0;
    while (spent < seconds) {
        for (int i = 0; i < TOKENS; i++) {
            if (!verify(bench, text_of(bench->tokens[i]), error)) {
                return false;
            }
        }
        count += TOKENS;
        spent = processor_seconds() - began;
    }
    *rate_out = (double)count / spent;
    return true;
}

static bool run(const char *folder, double seconds, Bench *bench, Error *error)
{
    AUTO_FREE char *jwks = alloc_format("%s/" ISSUER_JWKS_FILE, folder);
    const KeyOrigin origin = {.jwks_path = jwks};
    double first = 0;
    double remembered = 0;
    if (!make_tokens(folder, bench, error) || !keyset_read(jwks, &bench->keys, error) ||
        !verifier_create(&RULES, &origin, &SYSTEM_CLOCK, &bench->verifier, error) ||
        !measure(bench, judge, seconds, &first, error) ||
        !measure(bench, remember, seconds, &remembered, error)) {
        return false;
    }
    printf("%.0f %.0f\n", first, remembered);
    return true;
}

int main(int argument_count, char **arguments)
{
    int64_t seconds = 0;
    if (argument_count != 3 || !parse_int64(text_of(arguments[2]), 1, SECONDS_MAX, &seconds)) {
        fputs("usage: verify_tokens FOLDER SECONDS\n", stderr);
        return 2;
    }
    static Bench bench;
    Error error = {0};
    bool done = run(arguments[1], (double)seconds, &bench, &error);
    if (!done) {
        fprintf(stderr, "verify_tokens: %s\n", error.message);
    }
    verifier_destroy(bench.verifier);
    keyset_clear(&bench.keys);
    for (int i = 0; i < TOKENS; i++) {
        alloc_free(bench.tokens[i]);
    }
    return done ? 0 : 1;
}
