/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded issuer of a machine of its own: an RSA key, its JWKS, and the tokens signed with
 * it. Elsewhere an OIDC provider does this.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"

#define ISSUER_PRIVATE_FILE "issuer_private.pem"
#define ISSUER_JWKS_FILE "jwks.json"

/* Makes the key when the folder has none: issuer_private.pem (0600) and jwks.json (0644). */
MUST_CHECK bool issuer_create(const char *folder, Error *error);

typedef struct IssuerClaims {
    const char *issuer;
    const char *audience;
    const char *user_id;
    const char *organization_id;
    const char *role;  /* "member", "admin", "superadmin" */
    const char *email; /* NULL: left out */
    const char *name;  /* NULL: left out */
    int64_t issued_at_us;
    int64_t lifetime_seconds;
} IssuerClaims;

/* A compact RS256 token; AUTO_FREE. */
MUST_CHECK bool issuer_sign(const char *private_pem_path,
                            const IssuerClaims *claims,
                            char **token_out,
                            Error *error);
