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

/* A private key with its public parts; any thread may sign with it. */
typedef struct IssuerKey IssuerKey;

MUST_CHECK bool issuer_key_read(const char *private_pem_path, IssuerKey **key_out, Error *error);
void issuer_key_destroy(IssuerKey *key);
static inline void cleanup_issuer_key(IssuerKey **key)
{
    issuer_key_destroy(*key);
}
#define AUTO_ISSUER_KEY CLEANUP(cleanup_issuer_key) IssuerKey
/* Its JWKS; AUTO_FREE. */
char *issuer_key_jwks(const IssuerKey *key);

/* What is NULL is left out. */
typedef struct IssuerClaims {
    const char *issuer;
    const char *audience;
    const char *user_id;
    const char *client_id; /* azp */
    const char *organization_id;
    const char *role; /* "member", "admin", "superadmin" */
    const char *email;
    const char *name;
    const char *scope;
    const char *nonce;
    int64_t issued_at_us;
    int64_t lifetime_seconds;
} IssuerClaims;

/* A compact RS256 token; AUTO_FREE. Takes about a millisecond. */
MUST_CHECK bool
issuer_sign(const IssuerKey *key, const IssuerClaims *claims, char **token_out, Error *error);
