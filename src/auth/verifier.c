/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens to principals; see verifier.h. */
#include "auth/verifier.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/jwks.h"
#include "auth/jws.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "json/reader.h"

enum {
    REMEMBERED_MAX = 1024, /* about 1 MiB; a power of two */
    /* Where a token may stand. With one place each, one in ten of 100 tokens would share its place
     * with another one, and be verified anew whenever that had been there. */
    PLACES_A_TOKEN = 8,
    FILE_CHECK_SECONDS = 5,
    RELOAD_SECONDS_MIN = 1
};

/* A token that was found valid, under the SHA-256 of its text. */
typedef struct Remembered {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    int64_t expires_at_us; /* 0: the place is free */
    Principal principal;
} Remembered;

struct TokenVerifier {
    const TokenRules *rules;
    KeyOrigin origin;
    const Clock *clock;
    KeySet keys;
    uint64_t generation; /* of the source's keys */
    struct timespec modified_at;
    ino_t inode;
    int64_t checked_at_us; /* monotonic */
    int64_t reloaded_at_us;
    /* Found once: looking for the algorithm takes longer than its work on a token. */
    EVP_MD *sha256;
    EVP_MD_CTX *digesting;
    Remembered remembered[REMEMBERED_MAX];
};

static bool file_changed(TokenVerifier *verifier)
{
    struct stat status;
    if (stat(verifier->origin.jwks_path, &status) != 0) {
        return false;
    }
    bool changed = status.st_ino != verifier->inode ||
                   status.st_mtim.tv_sec != verifier->modified_at.tv_sec ||
                   status.st_mtim.tv_nsec != verifier->modified_at.tv_nsec;
    verifier->inode = status.st_ino;
    verifier->modified_at = status.st_mtim;
    return changed;
}

/* Keeps the old keys when the new ones cannot be read. What was remembered under a key that is
 * gone must be judged again. */
static void replace_keys(TokenVerifier *verifier, const KeySet *keys)
{
    keyset_clear(&verifier->keys);
    verifier->keys = *keys;
    memset(verifier->remembered, 0, sizeof verifier->remembered);
}

static bool reload(TokenVerifier *verifier, int64_t now_us, Error *error)
{
    verifier->reloaded_at_us = now_us;
    KeySet keys;
    if (!keyset_read(verifier->origin.jwks_path, &keys, error)) {
        return false;
    }
    replace_keys(verifier, &keys);
    return true;
}

bool verifier_create(const TokenRules *rules,
                     const KeyOrigin *origin,
                     const Clock *clock,
                     TokenVerifier **verifier_out,
                     Error *error)
{
    TokenVerifier *verifier = ALLOC_NEW(TokenVerifier);
    verifier->rules = rules;
    verifier->origin = *origin;
    verifier->clock = clock;
    verifier->checked_at_us = clock_monotonic_us(clock);
    verifier->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    verifier->digesting = EVP_MD_CTX_new();
    if (verifier->sha256 == NULL || verifier->digesting == NULL) {
        verifier_destroy(verifier);
        return error_set(error, ERROR_INTERNAL, "libcrypto has no SHA-256");
    }
    if (origin->jwks_path != NULL) {
        file_changed(verifier);
        if (!reload(verifier, verifier->checked_at_us, error)) {
            verifier_destroy(verifier);
            return false;
        }
    }
    *verifier_out = verifier;
    return true;
}

void verifier_destroy(TokenVerifier *verifier)
{
    if (verifier != NULL) {
        EVP_MD_CTX_free(verifier->digesting);
        EVP_MD_free(verifier->sha256);
        keyset_clear(&verifier->keys);
        alloc_free(verifier);
    }
}

static void look_at_file(TokenVerifier *verifier)
{
    int64_t now_us = clock_monotonic_us(verifier->clock);
    if (now_us - verifier->checked_at_us < FILE_CHECK_SECONDS * MICROSECONDS_PER_SECOND) {
        return;
    }
    verifier->checked_at_us = now_us;
    Error ignored = {0};
    if (file_changed(verifier) && !reload(verifier, now_us, &ignored)) {
        /* A file that is being written is read again at the next look. */
        verifier->inode = 0;
    }
}

/* Keys that are too old are dropped, and with them what was remembered under them. */
static void look_at_source(TokenVerifier *verifier)
{
    KeySource *source = verifier->origin.source;
    uint64_t generation = key_source_outdated(source) ? 0 : key_source_generation(source);
    if (generation == verifier->generation) {
        return;
    }
    KeySet keys = {.count = 0};
    verifier->generation = key_source_copy(source, &keys) ? generation : 0;
    replace_keys(verifier, &keys);
}

static void look_for_keys(TokenVerifier *verifier)
{
    if (verifier->origin.source != NULL) {
        look_at_source(verifier);
    } else {
        look_at_file(verifier);
    }
}

static JwsVerdict verify(TokenVerifier *verifier,
                         Text token,
                         json_t **claims_out,
                         char missing_out[KEY_ID_BYTES],
                         Error *error)
{
    JwsVerdict verdict = jws_verify(&verifier->keys, token, claims_out, missing_out, error);
    int64_t now_us = clock_monotonic_us(verifier->clock);
    if (verdict != JWS_UNKNOWN_KEY || verifier->origin.source != NULL ||
        now_us - verifier->reloaded_at_us < RELOAD_SECONDS_MIN * MICROSECONDS_PER_SECOND) {
        return verdict;
    }
    Error ignored = {0};
    if (!reload(verifier, now_us, &ignored)) {
        return verdict;
    }
    return jws_verify(&verifier->keys, token, claims_out, missing_out, error);
}

static bool digest_of(TokenVerifier *verifier, Text token, unsigned char *digest)
{
    return EVP_DigestInit_ex2(verifier->digesting, verifier->sha256, NULL) == 1 &&
           EVP_DigestUpdate(verifier->digesting, token.bytes, token.length) == 1 &&
           EVP_DigestFinal_ex(verifier->digesting, digest, NULL) == 1;
}

static Remembered *place_of(TokenVerifier *verifier, const unsigned char *digest, size_t number)
{
    size_t first = digest[0] | (size_t)digest[1] << 8;
    return &verifier->remembered[(first + number) % REMEMBERED_MAX];
}

/* NULL: the token is not known, or has expired. */
static const Remembered *
find_remembered(TokenVerifier *verifier, const unsigned char *digest, int64_t now_us)
{
    for (size_t i = 0; i < PLACES_A_TOKEN; i++) {
        const Remembered *place = place_of(verifier, digest, i);
        if (now_us < place->expires_at_us &&
            memcmp(place->digest, digest, sizeof place->digest) == 0) {
            return place;
        }
    }
    return NULL;
}

/* In the place of what ends first: a free one, or one that has expired, if there is any. */
static void remember(TokenVerifier *verifier, const Remembered *found)
{
    Remembered *first_to_end = place_of(verifier, found->digest, 0);
    for (size_t i = 1; i < PLACES_A_TOKEN; i++) {
        Remembered *place = place_of(verifier, found->digest, i);
        if (place->expires_at_us < first_to_end->expires_at_us) {
            first_to_end = place;
        }
    }
    *first_to_end = *found;
}

/* Of a token that is not remembered. */
static TokenVerdict judge(TokenVerifier *verifier,
                          Text token,
                          Remembered *found_out,
                          char missing_out[KEY_ID_BYTES],
                          Error *error)
{
    AUTO_JSON *claims = NULL;
    int64_t now_us = clock_now_us(verifier->clock);
    JwsVerdict verdict = verify(verifier, token, &claims, missing_out, error);
    if (verdict == JWS_UNKNOWN_KEY && verifier->origin.source != NULL) {
        return TOKEN_UNKNOWN_KEY;
    }
    return verdict == JWS_VALID &&
                   principal_of_claims(claims, verifier->rules, now_us, &found_out->principal,
                                       &found_out->expires_at_us, error)
               ? TOKEN_VALID
               : TOKEN_REFUSED;
}

TokenVerdict verifier_check(TokenVerifier *verifier,
                            Text token,
                            Principal *principal_out,
                            char missing_out[KEY_ID_BYTES],
                            Error *error)
{
    if (token.length > TOKEN_BYTES_MAX) {
        error_set(error, ERROR_UNAUTHORIZED, "The token is too long.");
        return TOKEN_REFUSED;
    }
    look_for_keys(verifier);
    Remembered found;
    if (!digest_of(verifier, token, found.digest)) {
        error_set(error, ERROR_INTERNAL, "Internal Server Error");
        return TOKEN_REFUSED;
    }
    const Remembered *known =
        find_remembered(verifier, found.digest, clock_now_us(verifier->clock));
    if (known != NULL) {
        principal_copy(principal_out, &known->principal);
        return TOKEN_VALID;
    }
    TokenVerdict verdict = judge(verifier, token, &found, missing_out, error);
    if (verdict == TOKEN_VALID) {
        remember(verifier, &found);
        *principal_out = found.principal;
    }
    return verdict;
}
