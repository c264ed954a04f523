/* SPDX-License-Identifier: Apache-2.0 */
/* The key and the tokens of the embedded issuer; see local_issuer.h. */
#include "identity/local_issuer.h"

#include <string.h>

#include "base/alloc.h"
#include "http/rows.h"
#include "http/server.h"

bool local_issuer_open(const char *private_pem_path,
                       const char *issuer,
                       const char *audience,
                       LocalIssuer **issuer_out,
                       Error *error)
{
    size_t length = strlen(issuer);
    if (length == 0 || issuer[length - 1] != '/') {
        return error_set(error, ERROR_INVALID, "the embedded issuer's URL must end in a slash");
    }
    LocalIssuer *opened = ALLOC_NEW(LocalIssuer);
    opened->issuer = issuer;
    opened->audience = audience;
    opened->is_https = text_starts_with(text_of(issuer), "https://");
    if (!issuer_key_read(private_pem_path, &opened->key, error)) {
        local_issuer_close(opened);
        return false;
    }
    opened->jwks = issuer_key_jwks(opened->key);
    *issuer_out = opened;
    return true;
}

void local_issuer_close(LocalIssuer *issuer)
{
    if (issuer != NULL) {
        issuer_key_destroy(issuer->key);
        alloc_free(issuer->jwks);
        alloc_free(issuer);
    }
}

const LocalIssuer *local_issuer_of(const Request *request)
{
    const ServerContext *context = request->context;
    return context->issuer;
}

const char *local_issuer_url(Request *request, const char *path)
{
    return arena_format(&request->arena, "%s%s", local_issuer_of(request)->issuer, path);
}

static IssuerClaims claims_of(const Request *request, const PGresult *grant, const char *client_id)
{
    return (IssuerClaims){
        .issuer = local_issuer_of(request)->issuer,
        .user_id = row_value(grant, 0, GRANT_USER),
        .client_id = client_id,
        .organization_id = row_value(grant, 0, GRANT_ORGANIZATION),
        .email = row_value(grant, 0, GRANT_EMAIL),
        .name = row_value(grant, 0, GRANT_NAME),
        .issued_at_us = clock_now_us(request->clock),
        .lifetime_seconds = ACCESS_TOKEN_SECONDS,
    };
}

bool local_issuer_access_token(const Request *request,
                               const PGresult *grant,
                               const char *client_id,
                               char **token_out,
                               Error *error)
{
    IssuerClaims claims = claims_of(request, grant, client_id);
    claims.audience = local_issuer_of(request)->audience;
    claims.role = row_value(grant, 0, GRANT_ROLE);
    claims.scope = row_value(grant, 0, GRANT_SCOPE);
    return issuer_sign(local_issuer_of(request)->key, &claims, token_out, error);
}

bool local_issuer_id_token(const Request *request,
                           const PGresult *grant,
                           const char *client_id,
                           char **token_out,
                           Error *error)
{
    IssuerClaims claims = claims_of(request, grant, client_id);
    claims.audience = client_id;
    claims.nonce = row_value(grant, 0, GRANT_NONCE);
    return issuer_sign(local_issuer_of(request)->key, &claims, token_out, error);
}
