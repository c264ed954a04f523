/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on who calls: token and whoami. */
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/token.h"
#include "json/reader.h"

typedef struct TokenOptions {
    const char *user;
    const char *role;
    const char *organization;
    int64_t expires_seconds;
} TokenOptions;

static const Option TOKEN_OPTIONS[] = {
    {"user", OPTION_STRING, offsetof(TokenOptions, user), "USER", "whose token (admin)"},
    {"role", OPTION_STRING, offsetof(TokenOptions, role), "ROLE",
     "member, admin or superadmin (the user's own)"},
    {"org", OPTION_STRING, offsetof(TokenOptions, organization), "ORG",
     "the organisation (the user's own)"},
    {"expires", OPTION_INTEGER, offsetof(TokenOptions, expires_seconds), "SECONDS",
     "how long it is valid (86400)"},
};

static const TokenOptions TOKEN_DEFAULTS = {FIRST_USER_ID, NULL, NULL, TOKEN_LIFETIME_SECONDS};

static bool run_token(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)operands;
    const TokenOptions *given = options;
    TokenRequest request = {given->user, given->organization, given->role, given->expires_seconds};
    AUTO_FREE char *token = NULL;
    if (!token_make(cli, &request, &token, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s, s:s, s:I}", "access_token", token, "token_type",
                                      "Bearer", "expires_in", (json_int_t)given->expires_seconds);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "%s\n", token);
    }
    return true;
}

const Command COMMAND_TOKEN = {
    .name = "token",
    .operands = "",
    .summary = "print a bearer token, signed with the key in the data folder",
    .options = TOKEN_OPTIONS,
    .option_count = ARRAY_COUNT(TOKEN_OPTIONS),
    .defaults = &TOKEN_DEFAULTS,
    .options_bytes = sizeof(TokenOptions),
    .run = run_token,
};

static bool run_whoami(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    (void)operands;
    AUTO_API client = {0};
    AUTO_JSON *me = NULL;
    if (!api_open(cli, &client, error) || !api_get(&client, "/v1/me", &me, error)) {
        return false;
    }
    if (cli->json) {
        print_json(cli, me);
        return true;
    }
    const json_t *user = json_object_get(me, "user");
    const json_t *organization = json_object_get(me, "organization");
    const TableRow rows[] = {
        {{"user", member_text(user, "id"), member_text(user, "email")}},
        {{"organization", member_text(organization, "id"), member_text(organization, "name")}},
    };
    print_table(cli, rows, ARRAY_COUNT(rows), 3);
    return true;
}

const Command COMMAND_WHOAMI = {
    .name = "whoami",
    .operands = "",
    .summary = "show the user and the organisation of the token",
    .run = run_whoami,
};
