/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: from the payload of a verified token to the one who calls. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth/principal.h"
#include "base/attributes.h"
#include "base/error.h"

typedef struct TokenRules {
    const char *issuer;             /* iss, byte for byte */
    const char *audience;           /* aud is it, or a list that holds it */
    const char *organization_claim; /* usually "org_id" */
    const char *role_claim;         /* empty: "<audience>/role", then "role" */
    const char *user_claim;         /* usually "sub" */
    const char *email_claim;        /* usually "email" */
} TokenRules;

/* Clocks of two machines may differ by so much. */
enum { CLOCK_LEEWAY_SECONDS = 60 };

/* ERROR_UNAUTHORIZED when a claim is missing, of the wrong kind, or not ours. */
MUST_CHECK bool principal_of_claims(const json_t *claims,
                                    const TokenRules *rules,
                                    int64_t now_us,
                                    Principal *principal_out,
                                    int64_t *expires_at_us_out,
                                    Error *error);
