/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verifier: from a bearer token to a principal. Its keys come from a file, which it reads again
 * when it changes or a key is unknown, or from a key source. It remembers tokens that it found
 * valid until they expire. It belongs to one thread.
 */
#pragma once
#include "auth/claims.h"
#include "auth/key_source.h"
#include "base/clock.h"
#include "base/text.h"

typedef struct TokenVerifier TokenVerifier;

/* One of them is NULL. */
typedef struct KeyOrigin {
    const char *jwks_path;
    KeySource *source;
} KeyOrigin;

typedef enum TokenVerdict {
    TOKEN_VALID,
    TOKEN_UNKNOWN_KEY, /* the key source may have the key after its next read */
    TOKEN_REFUSED
} TokenVerdict;

/* The rules and what the origin points to are borrowed. */
MUST_CHECK bool verifier_create(const TokenRules *rules,
                                const KeyOrigin *origin,
                                const Clock *clock,
                                TokenVerifier **verifier_out,
                                Error *error);
void verifier_destroy(TokenVerifier *verifier);
/* All but TOKEN_VALID set an error that says why not, fit to be shown; TOKEN_UNKNOWN_KEY also gives
 * the key's id. */
MUST_CHECK TokenVerdict verifier_check(TokenVerifier *verifier,
                                       Text token,
                                       Principal *principal_out,
                                       char missing_out[KEY_ID_BYTES],
                                       Error *error);
