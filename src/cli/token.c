/* SPDX-License-Identifier: Apache-2.0 */
/* Making tokens; see token.h. */
#include "cli/token.h"

#include "auth/issuer.h"
#include "auth/principal.h"
#include "base/alloc.h"
#include "cli/admin_store.h"
#include "cli/endpoint.h"
#include "db/connection.h"

bool token_make(const Cli *cli, const TokenRequest *request, char **token_out, Error *error)
{
    Role known = ROLE_MEMBER;
    if (request->role != NULL && !role_read(request->role, &known)) {
        return error_set(error, ERROR_INVALID, "a role is member, admin or superadmin, not '%s'",
                         request->role);
    }
    AUTO_ENDPOINT endpoint = {0};
    if (!cli_need_data(cli, error) || !endpoint_read(cli->data, &endpoint, error)) {
        return false;
    }
    if (!endpoint_is_issuer(&endpoint)) {
        return error_set(error, ERROR_INVALID,
                         "the tokens of this platform come from %s: use `slideway login`",
                         endpoint.issuer);
    }
    AUTO_USER_FOUND user = {0};
    bool asks_database = request->organization_id == NULL || request->role == NULL;
    if (asks_database) {
        AUTO_CONNECTION *connection = NULL;
        if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
            !user_find(connection, request->user_id, &user, error)) {
            return false;
        }
    }
    IssuerClaims claims = {
        .issuer = endpoint.issuer,
        .audience = endpoint.audience,
        .user_id = request->user_id,
        .client_id = "slideway",
        .scope = "offline_access",
        .organization_id =
            request->organization_id != NULL ? request->organization_id : user.organization_id,
        .role = request->role != NULL ? request->role : user.role,
        .email = user.email,
        .name = user.name,
        .issued_at_us = clock_now_us(cli->clock),
        .lifetime_seconds = request->lifetime_seconds,
    };
    AUTO_FREE char *key_path = alloc_format("%s/secrets/" ISSUER_PRIVATE_FILE, cli->data);
    AUTO_ISSUER_KEY *key = NULL;
    return issuer_key_read(key_path, &key, error) && issuer_sign(key, &claims, token_out, error);
}
