/* SPDX-License-Identifier: Apache-2.0 */
/* Making and hashing secrets; see secret.h. */
#include "auth/secret.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/base64.h"

enum { RANDOM_BYTES = 32, PREFIX_CHARACTERS_MAX = 16 };

static_assert(SECRET_BYTES >= PREFIX_CHARACTERS_MAX + BASE64_BYTES(RANDOM_BYTES),
              "a secret has room for its prefix");
static_assert(SECRET_HASH_BYTES == 2 * SHA256_DIGEST_LENGTH + 1, "a hash is written in hex");

Secret secret_create(const Clock *clock, const char *prefix)
{
    unsigned char random[RANDOM_BYTES];
    char encoded[BASE64_BYTES(RANDOM_BYTES)];
    Secret secret;
    clock_random_bytes(clock, random, sizeof random);
    base64url_encode(random, sizeof random, encoded);
    snprintf(secret.text, sizeof secret.text, "%.*s%s", PREFIX_CHARACTERS_MAX, prefix, encoded);
    OPENSSL_cleanse(random, sizeof random);
    OPENSSL_cleanse(encoded, sizeof encoded);
    return secret;
}

SecretHash secret_hash(Text secret)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)secret.bytes, secret.length, digest);
    SecretHash hash;
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(hash.hex + 2 * i, 3, "%02x", digest[i]);
    }
    return hash;
}

bool secret_equal(Text a, Text b)
{
    return a.length == b.length && CRYPTO_memcmp(a.bytes, b.bytes, a.length) == 0;
}
