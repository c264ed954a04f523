/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the operator for quotas: quota set, quota list. */
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "cli/admin_store.h"
#include "cli/commands.h"
#include "cli/endpoint.h"
#include "cli/print.h"
#include "db/connection.h"
#include "json/reader.h"

typedef struct QuotaOptions {
    const char *organization_id;
    const char *user_id;
} QuotaOptions;

static const Option SET_OPTIONS[] = {
    {"org", OPTION_STRING, offsetof(QuotaOptions, organization_id), "ORG",
     "of this organisation; '*': of each that has none of its own"},
    {"user", OPTION_STRING, offsetof(QuotaOptions, user_id), "USER",
     "of this user; '*': of each that has none of their own"},
};

/* The number as text, or NULL for "none". */
static bool read_maximum(const char *text, const char **maximum_out, Error *error)
{
    int64_t number = 0;
    if (strcmp(text, "none") == 0) {
        *maximum_out = NULL;
        return true;
    }
    if (!parse_int64(text_of(text), 0, INT32_MAX, &number)) {
        return error_set(error, ERROR_INVALID,
                         "MAXIMUM must be a number of items, or 'none' for no limit, not '%s'",
                         text);
    }
    *maximum_out = text;
    return true;
}

static bool run_quota_set(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    static const char *const NAMES[] = {"items_per_run", "open_items", "items_per_month"};
    const QuotaOptions *given = options;
    if ((given->organization_id == NULL) == (given->user_id == NULL)) {
        return error_set(error, ERROR_INVALID, "name either --org ORG or --user USER");
    }
    QuotaRecord quota = {
        .scope = given->user_id != NULL ? "user" : "organization",
        .subject_id = given->user_id != NULL ? given->user_id : given->organization_id,
    };
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        quota.name = strcmp(operands->values[0], NAMES[i]) == 0 ? NAMES[i] : quota.name;
    }
    if (quota.name == NULL) {
        return error_set(error, ERROR_INVALID,
                         "NAME must be items_per_run, open_items or items_per_month, not '%s'",
                         operands->values[0]);
    }
    AUTO_CONNECTION *connection = NULL;
    bool is_new = false;
    if (!read_maximum(operands->values[1], &quota.maximum, error) ||
        !cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !quota_set(connection, &quota, &is_new, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s, s:s, s:s, s:b}", "scope", quota.scope, "subject_id",
                                      quota.subject_id, "name", quota.name, "is_new", (int)is_new);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "%s of %s %s: %s\n", quota.name, quota.scope, quota.subject_id,
                quota.maximum == NULL ? "no limit" : quota.maximum);
    }
    return true;
}

const Command COMMAND_QUOTA_SET = {
    .name = "quota set",
    .operands = "NAME MAXIMUM",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "limit the items of an organisation or a user",
    .details =
        "NAME is items_per_run, open_items (waiting or in work) or items_per_month (by UTC;\n"
        "items that were skipped or failed by a system error do not count). MAXIMUM is a\n"
        "number, or none.",
    .options = SET_OPTIONS,
    .option_count = ARRAY_COUNT(SET_OPTIONS),
    .options_bytes = sizeof(QuotaOptions),
    .run = run_quota_set,
};

static bool run_quota_list(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    (void)operands;
    AUTO_CONNECTION *connection = NULL;
    AUTO_JSON *quotas = NULL;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !quota_list(connection, &quotas, error)) {
        return false;
    }
    if (cli->json) {
        print_json(cli, quotas);
        return true;
    }
    size_t count = json_array_size(quotas);
    AUTO_FREE TableRow *rows = alloc_zeroed(count + 1, sizeof(TableRow));
    rows[0] = (TableRow){{"scope", "subject", "name", "maximum", "used"}};
    for (size_t i = 0; i < count; i++) {
        const json_t *quota = json_array_get(quotas, i);
        const char *maximum = member_text(quota, "maximum");
        rows[i + 1] = (TableRow){{member_text(quota, "scope"), member_text(quota, "subject_id"),
                                  member_text(quota, "name"), maximum != NULL ? maximum : "none",
                                  member_text(quota, "used")}};
    }
    print_table(cli, rows, count + 1, 5);
    return true;
}

const Command COMMAND_QUOTA_LIST = {
    .name = "quota list",
    .operands = "",
    .summary = "list the quotas that were set and their use",
    .run = run_quota_list,
};
