/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the operator for upload buckets: bucket list, bucket rotate. */
#include "base/alloc.h"
#include "cli/admin_store.h"
#include "cli/commands.h"
#include "cli/endpoint.h"
#include "cli/print.h"
#include "db/connection.h"
#include "json/reader.h"

enum { COLUMNS = 5 };

static bool run_bucket_list(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    (void)operands;
    AUTO_CONNECTION *connection = NULL;
    AUTO_RESULT *result = NULL;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !bucket_list(connection, &result, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *buckets = rows_to_json(result);
        print_json(cli, buckets);
        return true;
    }
    size_t count = (size_t)PQntuples(result);
    AUTO_FREE TableRow *rows = alloc_zeroed(count + 1, sizeof(TableRow));
    rows[0] = (TableRow){{"ORGANIZATION", "BUCKET", "ACCESS KEY", "BYTES", "CREATED"}};
    for (size_t i = 0; i < count; i++) {
        for (int column = 0; column < COLUMNS; column++) {
            rows[i + 1].cells[column] =
                PQgetisnull(result, (int)i, column) ? NULL : PQgetvalue(result, (int)i, column);
        }
    }
    print_table(cli, rows, count + 1, COLUMNS);
    return true;
}

const Command COMMAND_BUCKET_LIST = {
    .name = "bucket list",
    .operands = "",
    .summary = "list the upload buckets and how full they are",
    .run = run_bucket_list,
};

static bool run_bucket_rotate(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    const char *organization_id = operands->values[0];
    AUTO_CONNECTION *connection = NULL;
    AUTO_FREE char *bucket_name = NULL;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !bucket_rotate(connection, organization_id, &bucket_name, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer =
            json_pack("{s:s, s:s}", "organization_id", organization_id, "bucket_name", bucket_name);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "the key of bucket %s has ended; /v1/me gives a new one\n", bucket_name);
    }
    return true;
}

const Command COMMAND_BUCKET_ROTATE = {
    .name = "bucket rotate",
    .operands = "ORG",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "end the access key of an organisation's upload bucket",
    .details =
        "At once, and with it all URLs that were signed with it. The next call of /v1/me by\n"
        "somebody of the organisation makes a new key. Objects stay.",
    .run = run_bucket_rotate,
};
