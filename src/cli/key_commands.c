/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the operator on API keys: key add, key list, key revoke. */
#include <stdio.h>
#include <string.h>

#include "auth/secret.h"
#include "base/alloc.h"
#include "base/uuid.h"
#include "cli/admin_store.h"
#include "cli/commands.h"
#include "cli/endpoint.h"
#include "cli/print.h"
#include "db/connection.h"
#include "json/reader.h"

enum { NUMBER_BYTES = 24, DAYS_MAX = 3650, DAYS_DEFAULT = 365 };

typedef struct KeyOptions {
    const char *user_id;
    const char *name;
    const char *scope;
    int64_t days;
} KeyOptions;

static const Option ADD_OPTIONS[] = {
    {"user", OPTION_STRING, offsetof(KeyOptions, user_id), "USER", "whom the key acts for; needed"},
    {"name", OPTION_STRING, offsetof(KeyOptions, name), "NAME", "what the key is for (key)"},
    {"scope", OPTION_STRING, offsetof(KeyOptions, scope), "SCOPE", "read or write (read)"},
    {"days", OPTION_INTEGER, offsetof(KeyOptions, days), "DAYS", "how long it is valid (365)"},
};

static const KeyOptions ADD_DEFAULTS = {NULL, "key", "read", DAYS_DEFAULT};

static bool check_key(const KeyOptions *given, Error *error)
{
    if (given->user_id == NULL) {
        return error_set(error, ERROR_INVALID, "name the user with --user USER");
    }
    if (strcmp(given->scope, "read") != 0 && strcmp(given->scope, "write") != 0) {
        return error_set(error, ERROR_INVALID, "a scope is read or write, not '%s'", given->scope);
    }
    return (given->days >= 1 && given->days <= DAYS_MAX) ||
           error_set(error, ERROR_INVALID, "DAYS must be a number from 1 to %d", DAYS_MAX);
}

static bool run_key_add(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)operands;
    const KeyOptions *given = options;
    AUTO_CONNECTION *connection = NULL;
    if (!check_key(given, error) || !cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error)) {
        return false;
    }
    char days[NUMBER_BYTES];
    snprintf(days, sizeof days, "%lld", (long long)given->days);
    Uuid id = uuid_create(cli->clock);
    Secret key = secret_create(cli->clock, API_KEY_PREFIX);
    SecretHash hash = secret_hash(text_of(key.text));
    const ApiKeyRecord record = {.key_id = id.text,
                                 .key_hash = hash.hex,
                                 .user_id = given->user_id,
                                 .name = given->name,
                                 .can_write = strcmp(given->scope, "write") == 0,
                                 .days = days};
    if (!api_key_add(connection, &record, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s, s:s}", "key_id", id.text, "api_key", key.text);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "%s\n", key.text);
        fprintf(stderr, "key %s of %s; it is shown this once\n", id.text, given->user_id);
    }
    explicit_bzero(&key, sizeof key);
    return true;
}

const Command COMMAND_KEY_ADD = {
    .name = "key add",
    .operands = "",
    .summary = "make an API key of a user, for a service",
    .details =
        "Prints the key, once: the database has its hash. It is a bearer token with the rights\n"
        "of its user at the time of each call; one of the scope read may only read.",
    .options = ADD_OPTIONS,
    .option_count = ARRAY_COUNT(ADD_OPTIONS),
    .defaults = &ADD_DEFAULTS,
    .options_bytes = sizeof(KeyOptions),
    .run = run_key_add,
};

static const Option LIST_OPTIONS[] = {
    {"user", OPTION_STRING, offsetof(KeyOptions, user_id), "USER", "of this user alone (all)"},
};

static bool run_key_list(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)operands;
    const KeyOptions *given = options;
    AUTO_CONNECTION *connection = NULL;
    AUTO_RESULT *result = NULL;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !api_key_list(connection, given->user_id, &result, error)) {
        return false;
    }
    AUTO_JSON *keys = rows_to_json(result);
    if (cli->json) {
        print_json(cli, keys);
        return true;
    }
    size_t count = json_array_size(keys);
    AUTO_FREE TableRow *rows = alloc_zeroed(count + 1, sizeof(TableRow));
    rows[0] = (TableRow){{"KEY", "USER", "NAME", "SCOPE", "STATE", "EXPIRES"}};
    for (size_t i = 0; i < count; i++) {
        const json_t *key = json_array_get(keys, i);
        rows[i + 1] = (TableRow){{member_text(key, "key_id"), member_text(key, "user_id"),
                                  member_text(key, "name"), member_text(key, "scope"),
                                  member_text(key, "state"), member_text(key, "expires_at")}};
    }
    print_table(cli, rows, count + 1, 6);
    return true;
}

const Command COMMAND_KEY_LIST = {
    .name = "key list",
    .operands = "",
    .summary = "list API keys, without the keys themselves",
    .options = LIST_OPTIONS,
    .option_count = ARRAY_COUNT(LIST_OPTIONS),
    .options_bytes = sizeof(KeyOptions),
    .run = run_key_list,
};

static bool run_key_revoke(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    const char *key_id = operands->values[0];
    Uuid id;
    if (!uuid_parse(text_of(key_id), &id)) {
        return error_set(error, ERROR_INVALID, "KEY_ID is the id that `slideway key list` shows");
    }
    AUTO_CONNECTION *connection = NULL;
    bool was_active = false;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !api_key_revoke(connection, id.text, &was_active, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer =
            json_pack("{s:s, s:b}", "key_id", id.text, "was_active", (int)was_active);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "key %s %s\n", id.text, was_active ? "revoked" : "was revoked already");
    }
    return true;
}

const Command COMMAND_KEY_REVOKE = {
    .name = "key revoke",
    .operands = "KEY_ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "end an API key, at once",
    .run = run_key_revoke,
};
