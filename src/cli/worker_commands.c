/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the operator for what works: worker list, run attempts. */
#include "base/alloc.h"
#include "cli/admin_store.h"
#include "cli/commands.h"
#include "cli/endpoint.h"
#include "cli/print.h"
#include "cli/run_reads.h"
#include "db/connection.h"
#include "json/reader.h"

enum { TYPE_BOOLEAN = 16 }; /* BOOLOID of PostgreSQL's catalog/pg_type.dat, fixed for ever */

static const char *cell_of(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column)) {
        return NULL;
    }
    const char *value = PQgetvalue(result, row, column);
    bool is_boolean = PQftype(result, column) == TYPE_BOOLEAN;
    return !is_boolean ? value : *value == 't' ? "yes" : "no";
}

/* The first columns of the rows, under the titles. */
static void
print_rows(const Cli *cli, const PGresult *result, const TableRow *titles, int column_count)
{
    int count = PQntuples(result);
    AUTO_FREE TableRow *rows = alloc_zeroed((size_t)count + 1, sizeof(TableRow));
    rows[0] = *titles;
    for (int row = 0; row < count; row++) {
        for (int column = 0; column < column_count; column++) {
            rows[row + 1].cells[column] = cell_of(result, row, column);
        }
    }
    print_table(cli, rows, (size_t)count + 1, (size_t)column_count);
}

static void
print_result(const Cli *cli, const PGresult *result, const TableRow *titles, int column_count)
{
    if (cli->json) {
        AUTO_JSON *rows = rows_to_json(result);
        print_json(cli, rows);
    } else {
        print_rows(cli, result, titles, column_count);
    }
}

typedef struct WorkerOptions {
    bool all;
} WorkerOptions;

static const Option WORKER_OPTIONS[] = {
    {"all", OPTION_FLAG, offsetof(WorkerOptions, all), NULL,
     "also those that ended in the last day"},
};

static bool run_worker_list(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    static const TableRow TITLES = {{"NAME", "STATE", "LEADS", "SLOTS", "BUSY", "CPUS", "MEMORY",
                                     "GPUS", "STARTED", "HEARTBEAT"}};
    const WorkerOptions *given = options;
    (void)operands;
    AUTO_CONNECTION *connection = NULL;
    AUTO_RESULT *workers = NULL;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !worker_list(connection, given->all, &workers, error)) {
        return false;
    }
    print_result(cli, workers, &TITLES, 10);
    return true;
}

const Command COMMAND_WORKER_LIST = {
    .name = "worker list",
    .operands = "",
    .summary = "list the workers, their slots and what one item may need there",
    .details =
        "STATE is working, draining (it takes no more items), silent (its lease is over, and its\n"
        "items are about to be given away) or ended. One worker leads: it does what is done once\n"
        "for all. MEMORY is in bytes.",
    .options = WORKER_OPTIONS,
    .option_count = ARRAY_COUNT(WORKER_OPTIONS),
    .options_bytes = sizeof(WorkerOptions),
    .run = run_worker_list,
};

static bool run_attempts(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    static const TableRow TITLES = {
        {"ITEM", "TRY", "OUTCOME", "WORKER", "SECONDS", "PEAK MEMORY", "CODE", "REASON"}};
    (void)options;
    Uuid run_id;
    AUTO_CONNECTION *connection = NULL;
    AUTO_RESULT *attempts = NULL;
    if (!run_id_read(operands->values[0], &run_id, error) ||
        !cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !attempt_list(connection, run_id.text, &attempts, error)) {
        return false;
    }
    print_result(cli, attempts, &TITLES, 8);
    return true;
}

const Command COMMAND_RUN_ATTEMPTS = {
    .name = "run attempts",
    .operands = "RUN_ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "list every attempt at the items of a run (operators)",
    .details =
        "OUTCOME is - while an attempt runs, else SUCCEEDED, USER_ERROR, SYSTEM_ERROR, RETRY (the\n"
        "platform failed), LOST (its worker was gone), HANDED_BACK (its worker left) or "
        "CANCELLED.\n"
        "--json also has the end of each attempt's log.",
    .run = run_attempts,
};
