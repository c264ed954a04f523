/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verifier: from a bearer token to a principal. It reads the JWKS again when the file changes
 * or a key is unknown, and remembers tokens that it found valid until they expire. It belongs to
 * one thread.
 */
#pragma once
#include "auth/claims.h"
#include "base/clock.h"
#include "base/text.h"

typedef struct TokenVerifier TokenVerifier;

/* The rules and the path are borrowed. */
MUST_CHECK bool verifier_create(const TokenRules *rules,
                                const char *jwks_path,
                                const Clock *clock,
                                TokenVerifier **verifier_out,
                                Error *error);
void verifier_destroy(TokenVerifier *verifier);
/* ERROR_UNAUTHORIZED says why not, fit to be shown. */
MUST_CHECK bool
verifier_check(TokenVerifier *verifier, Text token, Principal *principal_out, Error *error);
