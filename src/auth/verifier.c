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
    const char *jwks_path;
    const Clock *clock;
    KeySet keys;
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
    if (stat(verifier->jwks_path, &status) != 0) {
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
static bool reload(TokenVerifier *verifier, int64_t now_us, Error *error)
{
    verifier->reloaded_at_us = now_us;
    KeySet keys;
    if (!keyset_read(verifier->jwks_path, &keys, error)) {
        return false;
    }
    keyset_clear(&verifier->keys);
    verifier->keys = keys;
    memset(verifier->remembered, 0, sizeof verifier->remembered);
    return true;
}

bool verifier_create(const TokenRules *rules,
                     const char *jwks_path,
                     const Clock *clock,
                     TokenVerifier **verifier_out,
                     Error *error)
{
    TokenVerifier *verifier = ALLOC_NEW(TokenVerifier);
    verifier->rules = rules;
    verifier->jwks_path = jwks_path;
    verifier->clock = clock;
    file_changed(verifier);
    verifier->checked_at_us = clock_monotonic_us(clock);
    verifier->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    verifier->digesting = EVP_MD_CTX_new();
    if (verifier->sha256 == NULL || verifier->digesting == NULL) {
        verifier_destroy(verifier);
        return error_set(error, ERROR_INTERNAL, "libcrypto has no SHA-256");
    }
    if (!reload(verifier, verifier->checked_at_us, error)) {
        verifier_destroy(verifier);
        return false;
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

static JwsVerdict verify(TokenVerifier *verifier, Text token, json_t **claims_out, Error *error)
{
    JwsVerdict verdict = jws_verify(&verifier->keys, token, claims_out, error);
    int64_t now_us = clock_monotonic_us(verifier->clock);
    if (verdict != JWS_UNKNOWN_KEY ||
        now_us - verifier->reloaded_at_us < RELOAD_SECONDS_MIN * MICROSECONDS_PER_SECOND) {
        return verdict;
    }
    Error ignored = {0};
    if (!reload(verifier, now_us, &ignored)) {
        return verdict;
    }
    return jws_verify(&verifier->keys, token, claims_out, error);
}

static bool digest_of(TokenVerifier *verifier, Text token, unsigned char *digest)
{
    return EVP_DigestInit_ex2(verifier->digesting, verifier->sha256, NULL) == 1 &&
           EVP_DigestUpdate(verifier->digesting, token.bytes, token.length) == 1 &&
           EVP_DigestFinal_ex(verifier->digesting, digest, NULL) == 1;
}

static Remembered *place_of(TokenVerifier *verifier, const unsigned char *digest)
{
    return &verifier->remembered[(digest[0] | (size_t)digest[1] << 8) % REMEMBERED_MAX];
}

bool verifier_check(TokenVerifier *verifier, Text token, Principal *principal_out, Error *error)
{
    if (token.length > TOKEN_BYTES_MAX) {
        return error_set(error, ERROR_UNAUTHORIZED, "The token is too long.");
    }
    look_at_file(verifier);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    if (!digest_of(verifier, token, digest)) {
        return error_set(error, ERROR_INTERNAL, "Internal Server Error");
    }
    Remembered *place = place_of(verifier, digest);
    int64_t now_us = clock_now_us(verifier->clock);
    if (now_us < place->expires_at_us && memcmp(place->digest, digest, sizeof digest) == 0) {
        *principal_out = place->principal;
        return true;
    }
    AUTO_JSON *claims = NULL;
    int64_t expires_at_us = 0;
    Principal principal;
    if (verify(verifier, token, &claims, error) != JWS_VALID ||
        !principal_of_claims(claims, verifier->rules, now_us, &principal, &expires_at_us, error)) {
        return false;
    }
    memcpy(place->digest, digest, sizeof digest);
    place->principal = principal;
    place->expires_at_us = expires_at_us;
    *principal_out = principal;
    return true;
}
