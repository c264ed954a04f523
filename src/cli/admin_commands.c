/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the operator that write the database: migrate, org, user add, app register. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "applications/register.h"
#include "auth/password.h"
#include "auth/principal.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/parse.h"
#include "cli/admin_store.h"
#include "cli/commands.h"
#include "cli/endpoint.h"
#include "cli/password_input.h"
#include "cli/print.h"
#include "db/connection.h"
#include "db/migrate.h"
#include "json/reader.h"

static bool run_migrate(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    (void)operands;
    AUTO_CONNECTION *connection = NULL;
    MigrateReport report = {0};
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !migrate_run(connection, &report, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer =
            json_pack("{s:i, s:i}", "applied", report.applied, "newest", report.newest);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "%d migrations applied, the database is at %d\n", report.applied,
                report.newest);
    }
    return true;
}

const Command COMMAND_MIGRATE = {
    .name = "migrate",
    .operands = "",
    .summary = "bring the database to this version's tables",
    .run = run_migrate,
};

static void print_added(const Cli *cli, const char *kind, const char *id, bool is_new)
{
    if (cli->json) {
        AUTO_FREE char *key = alloc_format("%s_id", kind);
        AUTO_JSON *answer = json_pack("{s:s, s:b}", key, id, "is_new", (int)is_new);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "%s %s %s\n", kind, id, is_new ? "added" : "was known; it is up to date");
    }
}

typedef struct OrganizationOptions {
    const char *name;
} OrganizationOptions;

static const Option ORGANIZATION_OPTIONS[] = {
    {"name", OPTION_STRING, offsetof(OrganizationOptions, name), "NAME", "its name (the ID)"},
};

static bool run_org_add(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    const OrganizationOptions *given = options;
    AUTO_CONNECTION *connection = NULL;
    bool is_new = false;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !organization_add(connection, operands->values[0], given->name, &is_new, error)) {
        return false;
    }
    print_added(cli, "organization", operands->values[0], is_new);
    return true;
}

const Command COMMAND_ORG_ADD = {
    .name = "org add",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "add an organisation",
    .options = ORGANIZATION_OPTIONS,
    .option_count = ARRAY_COUNT(ORGANIZATION_OPTIONS),
    .options_bytes = sizeof(OrganizationOptions),
    .run = run_org_add,
};

static bool run_org_weight(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    const char *organization_id = operands->values[0];
    const char *weight = operands->values[1];
    int64_t number = 0;
    if (!parse_int64(text_of(weight), 1, ORGANIZATION_WEIGHT_MAX, &number)) {
        return error_set(error, ERROR_INVALID, "WEIGHT must be a number from 1 to %d, not '%s'",
                         ORGANIZATION_WEIGHT_MAX, weight);
    }
    AUTO_CONNECTION *connection = NULL;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !organization_set_weight(connection, organization_id, weight, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s, s:I}", "organization_id", organization_id, "weight",
                                      (json_int_t)number);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "weight of organization %s: %s\n", organization_id, weight);
    }
    return true;
}

const Command COMMAND_ORG_WEIGHT = {
    .name = "org weight",
    .operands = "ID WEIGHT",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "set an organisation's share of the workers",
    .details = "While several organisations wait, one of weight 3 gets three times as many items\n"
               "processed as one of weight 1, which is what each has at first.",
    .run = run_org_weight,
};

typedef struct UserOptions {
    UserRecord user;
    bool asks_password;
    const char *password_file;
} UserOptions;

static const Option USER_OPTIONS[] = {
    {"org", OPTION_STRING, offsetof(UserOptions, user.organization_id), "ORG",
     "the user's organisation"},
    {"email", OPTION_STRING, offsetof(UserOptions, user.email), "EMAIL",
     "the user's e-mail address"},
    {"name", OPTION_STRING, offsetof(UserOptions, user.name), "NAME", "the user's name (the ID)"},
    {"role", OPTION_STRING, offsetof(UserOptions, user.role), "ROLE",
     "member, admin or superadmin (member)"},
    {"password", OPTION_FLAG, offsetof(UserOptions, asks_password), NULL,
     "ask for a password, to sign in with on this platform"},
    {"password-file", OPTION_STRING, offsetof(UserOptions, password_file), "FILE",
     "read it from the first line of a file; -: of standard input"},
};

/* Without a password the user cannot sign in here, but may have tokens of another provider. */
static bool
hash_given_password(const Cli *cli, const UserOptions *given, PasswordHash *hash_out, Error *error)
{
    AUTO_FREE char *password = NULL;
    bool was_read = given->password_file != NULL
                        ? password_read(given->password_file, &password, error)
                        : password_ask(&password, error);
    if (!was_read) {
        return false;
    }
    bool hashed = password_hash(text_of(password), cli->clock, hash_out, error);
    explicit_bzero(password, strlen(password));
    return hashed;
}

static bool run_user_add(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    const UserOptions *given = options;
    UserRecord user = given->user;
    user.user_id = operands->values[0];
    if (user.organization_id == NULL) {
        return error_set(error, ERROR_INVALID, "name the user's organisation with --org ORG");
    }
    bool has_password = given->asks_password || given->password_file != NULL;
    PasswordHash hash;
    AUTO_CONNECTION *connection = NULL;
    bool is_new = false;
    if ((has_password && !hash_given_password(cli, given, &hash, error)) ||
        !cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !user_add(connection, &user, &is_new, error) ||
        (has_password && !user_set_password(connection, user.user_id, hash.text, error))) {
        return false;
    }
    print_added(cli, "user", user.user_id, is_new);
    return true;
}

const Command COMMAND_USER_ADD = {
    .name = "user add",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "add a user to an organisation",
    .details =
        "A user who is known gets what is given. A new password ends the logins of the old one.",
    .options = USER_OPTIONS,
    .option_count = ARRAY_COUNT(USER_OPTIONS),
    .options_bytes = sizeof(UserOptions),
    .run = run_user_add,
};

typedef struct RegisterOptions {
    const char *organization_id;
} RegisterOptions;

static const Option REGISTER_OPTIONS[] = {
    {"org", OPTION_STRING, offsetof(RegisterOptions, organization_id), "ORG",
     "for this organisation alone (for all)"},
};

static bool run_app_register(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    const RegisterOptions *given = options;
    AUTO_CONNECTION *connection = NULL;
    AUTO_ENDPOINT endpoint = {0};
    if (cli->data != NULL && !endpoint_read(cli->data, &endpoint, error)) {
        return false;
    }
    StoreSettings store = *cli->store;
    store.place = endpoint.object_store != NULL ? endpoint.object_store : store.place;
    const RegistrationRequest request = {operands->values[0], given->organization_id,
                                         store.place[0] == '\0' ? NULL : &store};
    Registration registration = {0};
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !application_register(connection, &request, &registration, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer = json_pack(
            "{s:s, s:s, s:b}", "application_id", registration.application_id, "version_number",
            registration.version_number, "is_new", (int)registration.is_new);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "application %s %s %s\n", registration.application_id,
                registration.version_number, registration.is_new ? "registered" : "was known");
    }
    return true;
}

const Command COMMAND_APP_REGISTER = {
    .name = "app register",
    .operands = "DIR",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "register the application whose manifest is DIR/application.json",
    .options = REGISTER_OPTIONS,
    .option_count = ARRAY_COUNT(REGISTER_OPTIONS),
    .options_bytes = sizeof(RegisterOptions),
    .run = run_app_register,
};
