/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens made with the issuer key in a data folder: whoever may read the folder may be any user. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "cli/command.h"

/* The user that `slideway up` adds, with its organisation. */
#define FIRST_USER_ID "admin"
#define FIRST_ORGANIZATION_ID "local"

typedef struct TokenRequest {
    const char *user_id;
    const char *organization_id; /* NULL: as the database has it */
    const char *role;            /* NULL: as the database has it */
    int64_t lifetime_seconds;
} TokenRequest;

enum { TOKEN_LIFETIME_SECONDS = 86400 };

/* *token_out is AUTO_FREE. */
MUST_CHECK bool
token_make(const Cli *cli, const TokenRequest *request, char **token_out, Error *error);
