/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compact JWS (RFC 7515) whose payload is a JSON object of claims. Only the signature is judged
 * here; what the claims mean is principal.h's.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "auth/jwks.h"
#include "base/attributes.h"
#include "base/error.h"
#include "base/text.h"

typedef enum JwsVerdict {
    JWS_VALID,
    JWS_UNKNOWN_KEY, /* the keys may have changed: reading them again may help */
    JWS_REFUSED
} JwsVerdict;

/* JWS_VALID gives the claims (AUTO_JSON); anything else sets the error (ERROR_UNAUTHORIZED), and
 * JWS_UNKNOWN_KEY the id of the key that is missing (empty: the token names none). */
MUST_CHECK JwsVerdict jws_verify(const KeySet *keys,
                                 Text token,
                                 json_t **claims_out,
                                 char missing_out[KEY_ID_BYTES],
                                 Error *error);
