/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded issuer: the OpenID provider of a machine of its own, for local users. Shared by all
 * shards, never changed.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "auth/issuer.h"
#include "http/request.h"

enum { ACCESS_TOKEN_SECONDS = 3600 };

typedef struct LocalIssuer {
    const char *issuer; /* "http://127.0.0.1:8080/" */
    const char *audience;
    IssuerKey *key;
    char *jwks;
    bool is_https; /* then cookies are Secure, and for this host alone */
} LocalIssuer;

/* Reads the private key; `issuer` and `audience` are borrowed. */
MUST_CHECK bool local_issuer_open(const char *private_pem_path,
                                  const char *issuer,
                                  const char *audience,
                                  LocalIssuer **issuer_out,
                                  Error *error);
void local_issuer_close(LocalIssuer *issuer);

/* Of a request to one of its endpoints. */
const LocalIssuer *local_issuer_of(const Request *request);
/* The absolute address of a path ("oauth/token"), in the arena. */
const char *local_issuer_url(Request *request, const char *path);

/* What a login grants; the columns of the statements that end one. */
enum {
    GRANT_OUTCOME,
    GRANT_USER,
    GRANT_ORGANIZATION,
    GRANT_ROLE,
    GRANT_EMAIL,
    GRANT_NAME,
    GRANT_SCOPE,
    GRANT_NONCE
};

/* The access token of a grant, for the platform; AUTO_FREE. */
MUST_CHECK bool local_issuer_access_token(const Request *request,
                                          const PGresult *grant,
                                          const char *client_id,
                                          char **token_out,
                                          Error *error);
/* The ID token of a grant, for the client; AUTO_FREE. */
MUST_CHECK bool local_issuer_id_token(const Request *request,
                                      const PGresult *grant,
                                      const char *client_id,
                                      char **token_out,
                                      Error *error);
