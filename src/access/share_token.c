/* SPDX-License-Identifier: Apache-2.0 */
/* Making and hashing share tokens; see share_token.h. */
#include "access/share_token.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"

#define PREFIX "shr_"

enum { SECRET_BYTES = 32, HASH_BYTES = 32 };

static_assert(SHARE_TOKEN_BYTES >= sizeof PREFIX - 1 + BASE64_BYTES(SECRET_BYTES),
              "a share token holds its prefix and its secret");

ShareToken share_token_create(const Clock *clock)
{
    unsigned char secret[SECRET_BYTES];
    char encoded[BASE64_BYTES(SECRET_BYTES)];
    ShareToken token;
    clock_random_bytes(clock, secret, sizeof secret);
    base64url_encode(secret, sizeof secret, encoded);
    snprintf(token.text, sizeof token.text, PREFIX "%s", encoded);
    OPENSSL_cleanse(secret, sizeof secret);
    return token;
}

const char *share_token_hash(Text token, Arena *arena)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_Digest(token.bytes, token.length, hash, &length, EVP_sha256(), NULL) != 1 ||
        length != HASH_BYTES) {
        abort();
    }
    char *hex = arena_alloc(arena, 2 * HASH_BYTES + 1);
    for (size_t i = 0; i < HASH_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
    return hex;
}
