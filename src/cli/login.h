/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logins of a person at a platform's token issuer, kept in a file of their own (0600) by the
 * platform's address, and refreshed when they are about to end.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "cli/command.h"

/* What has to be known of an issuer; AUTO_LOGIN_ISSUER. */
typedef struct LoginIssuer {
    char *issuer;
    char *audience;
    char *client_id;
    char *scope;
    char *token_url;
    char *authorize_url; /* NULL: it has none, and so on */
    char *device_url;
    char *revoke_url;
} LoginIssuer;
void login_issuer_clear(LoginIssuer *issuer);
#define AUTO_LOGIN_ISSUER CLEANUP(login_issuer_clear) LoginIssuer

/* Asks the platform at `url` for its issuer, and the issuer for its addresses. */
MUST_CHECK bool login_find_issuer(const char *url, LoginIssuer *issuer_out, Error *error);

/* Logins by a browser on this machine and by one elsewhere; *tokens_out (AUTO_JSON) is what the
 * token endpoint answered. */
MUST_CHECK bool login_by_browser(const Cli *cli,
                                 const LoginIssuer *issuer,
                                 bool opens_browser,
                                 json_t **tokens_out,
                                 Error *error);
MUST_CHECK bool
login_by_device(const Cli *cli, const LoginIssuer *issuer, json_t **tokens_out, Error *error);

/* Keeps the tokens for the platform at `url`. */
MUST_CHECK bool login_keep(
    const Cli *cli, const char *url, const LoginIssuer *issuer, const json_t *tokens, Error *error);
/* An access token that is valid for a minute at least; AUTO_FREE. ERROR_UNAUTHORIZED: nobody is
 * signed in, or the login has ended. */
MUST_CHECK bool login_token(const Cli *cli, const char *url, char **token_out, Error *error);
/* Forgets the login and tells the issuer; *was_in_out says whether there was one. */
MUST_CHECK bool login_end(const Cli *cli, const char *url, bool *was_in_out, Error *error);
