/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens with any header and claims, signed rightly with a key of the test's own. */
#pragma once
#include <openssl/evp.h>

#include "auth/jwks.h"

typedef struct TokenMaker {
    EVP_PKEY *key;
    KeySet keys; /* the key under the id "k1" */
    char *pem;   /* the public key, for the attack that takes it as an HMAC secret */
} TokenMaker;

void token_maker_init(TokenMaker *maker);
void token_maker_clear(TokenMaker *maker);
/* header and claims are JSON; AUTO_FREE. */
char *token_maker_sign(const TokenMaker *maker, const char *header, const char *claims);
/* The same, with an HMAC-SHA256 under the text of the public key. */
char *token_maker_hmac(const TokenMaker *maker, const char *header, const char *claims);
