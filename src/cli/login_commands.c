/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of people who sign in: login and logout. */
#include "base/alloc.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/login.h"
#include "cli/print.h"
#include "json/reader.h"

typedef struct LoginOptions {
    bool by_device;
    bool no_browser;
} LoginOptions;

static const Option LOGIN_OPTIONS[] = {
    {"device", OPTION_FLAG, offsetof(LoginOptions, by_device), NULL,
     "show a code to confirm with a browser on any machine"},
    {"no-browser", OPTION_FLAG, offsetof(LoginOptions, no_browser), NULL,
     "only print the address to open"},
};

static void print_login(const Cli *cli, const char *url, bool is_in)
{
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s, s:b}", "url", url, "logged_in", (int)is_in);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "signed %s %s\n", is_in ? "in at" : "out of", url);
    }
}

static bool run_login(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)operands;
    const LoginOptions *given = options;
    AUTO_FREE char *url = NULL;
    AUTO_LOGIN_ISSUER issuer = {0};
    AUTO_JSON *tokens = NULL;
    if (!api_find_url(cli, &url, error) || !login_find_issuer(url, &issuer, error)) {
        return false;
    }
    bool asked = given->by_device
                     ? login_by_device(cli, &issuer, &tokens, error)
                     : login_by_browser(cli, &issuer, !given->no_browser, &tokens, error);
    if (!asked || !login_keep(cli, url, &issuer, tokens, error)) {
        return false;
    }
    print_login(cli, url, true);
    return true;
}

const Command COMMAND_LOGIN = {
    .name = "login",
    .operands = "",
    .summary = "sign in at a platform, with a browser",
    .details =
        "Keeps the login in slideway/logins.json under XDG_CONFIG_HOME or ~/.config, for you\n"
        "alone; other commands use and refresh it.",
    .options = LOGIN_OPTIONS,
    .option_count = ARRAY_COUNT(LOGIN_OPTIONS),
    .options_bytes = sizeof(LoginOptions),
    .run = run_login,
};

static bool run_logout(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    (void)operands;
    AUTO_FREE char *url = NULL;
    bool was_in = false;
    if (!api_find_url(cli, &url, error) || !login_end(cli, url, &was_in, error)) {
        return false;
    }
    print_login(cli, url, false);
    return true;
}

const Command COMMAND_LOGOUT = {
    .name = "logout",
    .operands = "",
    .summary = "forget the login at a platform, and tell its issuer",
    .run = run_logout,
};
