/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys that tokens are verified with, read from a JWKS (RFC 7517). Keys of other kinds are
 * passed over, so that a provider may publish what it likes beside them.
 */
#pragma once
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/text.h"

/* The allow-list: whatever else a token's header says is refused. */
typedef enum JwsAlgorithm { JWS_RS256, JWS_ES256, JWS_EDDSA, JWS_ALGORITHM_COUNT } JwsAlgorithm;

/* By its name in a header or a key. RFC 9864: "Ed25519" is "EdDSA" with the one curve that we take
 * anyway, so both name the same. False: it is not allowed. */
bool jws_algorithm_find(const char *name, JwsAlgorithm *algorithm_out);

enum { KEYS_MAX = 16, KEY_ID_BYTES = 256, RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

/* A key serves one algorithm: the header of a token never chooses how a key is used. */
typedef struct PublicKey {
    char id[KEY_ID_BYTES]; /* empty: the key has none */
    JwsAlgorithm algorithm;
    EVP_PKEY *key;
} PublicKey;

typedef struct KeySet {
    PublicKey keys[KEYS_MAX];
    size_t count;
} KeySet;

/* ERROR_INVALID when it is no JWKS or has no usable key. */
MUST_CHECK bool keyset_parse(Text json, KeySet *keys_out, Error *error);
MUST_CHECK bool keyset_read(const char *path, KeySet *keys_out, Error *error);
/* The keys are shared, not copied. */
void keyset_copy(const KeySet *keys, KeySet *copy_out);
void keyset_clear(KeySet *keys);
