/* SPDX-License-Identifier: Apache-2.0 */
/* The command status: the facts of status_facts.h on one screen. */
#include <string.h>

#include "base/alloc.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/status_facts.h"
#include "json/reader.h"

/* One screen: what is beyond these is counted. */
enum {
    WORKERS_SHOWN_MAX = 8,
    QUEUES_SHOWN_MAX = 8,
    FAILURES_SHOWN_MAX = 6,
    REASON_CHARACTERS_MAX = 90 /* the whole reason is in the JSON */
};

static long long number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static long long sum_of(const json_t *rows, const char *key)
{
    long long sum = 0;
    size_t index = 0;
    const json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        sum += number_of(row, key);
    }
    return sum;
}

/* A table whose cells it owns. */
typedef struct Table {
    TableRow rows[WORKERS_SHOWN_MAX + 1];
    size_t row_count;
    size_t column_count;
    const json_t *list; /* what is told of */
} Table;

static void table_begin(Table *table, const json_t *list, const TableRow *head, size_t columns)
{
    *table = (Table){.list = list, .column_count = columns};
    table->row_count = 1;
    for (size_t i = 0; i < columns; i++) {
        table->rows[0].cells[i] = alloc_string(head->cells[i]);
    }
}

static void table_end(const Cli *cli, Table *table, const char *noun)
{
    size_t shown = table->row_count - 1;
    size_t hidden = json_array_size(table->list) - shown;
    print_table(cli, table->rows, table->row_count, table->column_count);
    if (hidden > 0) {
        fprintf(cli->out, "… and %zu more %s\n", hidden, noun);
    }
    for (size_t row = 0; row < table->row_count; row++) {
        for (size_t column = 0; column < table->column_count; column++) {
            alloc_free((char *)table->rows[row].cells[column]);
        }
    }
}

static char *number_text(const json_t *object, const char *key)
{
    return alloc_format("%lld", number_of(object, key));
}

/* "3 min ago"; NULL, which is printed as "-", without a value. */
static char *duration_cell(const json_t *object, const char *key, const char *suffix)
{
    if (!json_is_integer(json_object_get(object, key))) {
        return NULL;
    }
    AUTO_FREE char *text = duration_text(number_of(object, key));
    return alloc_format("%s%s", text, suffix);
}

static void print_services(const Cli *cli, const json_t *facts)
{
    const json_t *database = json_object_get(facts, "database");
    const json_t *api = json_object_get(facts, "api");
    bool database_up = json_is_true(json_object_get(database, "up"));
    if (database_up) {
        fprintf(cli->out, "database  up    PostgreSQL %s, %lld MB, answered in %lld ms\n",
                member_text(database, "version"), number_of(database, "size_bytes") / 1000000,
                number_of(database, "answered_in_ms"));
    } else {
        fprintf(cli->out, "database  DOWN\n");
    }
    if (json_is_object(api)) {
        AUTO_FREE char *url = printable(member_text(api, "url"));
        fprintf(cli->out, "API       %-4s  %s\n",
                json_is_true(json_object_get(api, "up")) ? "up" : "DOWN", url);
    }
    if (database_up) {
        long long connections = number_of(database, "server_connections");
        fprintf(cli->out, "servers   %-4s  %lld database connections\n",
                connections > 0 ? "up" : "NONE", connections);
    }
}

/* A list of those that count: nobody gets a slot of a silent one. AUTO_JSON. */
static json_t *workers_alive(const json_t *workers)
{
    json_t *alive = json_array();
    size_t index = 0;
    json_t *worker = NULL;
    json_array_foreach(workers, index, worker)
    {
        if (strcmp(member_text(worker, "state"), "ALIVE") == 0) {
            json_array_append(alive, worker);
        }
    }
    return alive;
}

static void print_workers(const Cli *cli, const json_t *workers)
{
    static const TableRow HEAD = {{"WORKER", "STATE", "BUSY", "HEARTBEAT", "RUNS SINCE"}};
    AUTO_JSON *alive = workers_alive(workers);
    fprintf(cli->out, "\nWorkers: %zu alive, %lld of %lld slots busy\n", json_array_size(alive),
            sum_of(alive, "busy_slots"), sum_of(alive, "slots"));
    if (json_array_size(workers) == 0) {
        return;
    }
    Table table;
    table_begin(&table, workers, &HEAD, 5);
    size_t index = 0;
    const json_t *worker = NULL;
    json_array_foreach(workers, index, worker)
    {
        if (index == WORKERS_SHOWN_MAX) {
            break;
        }
        table.rows[table.row_count++] = (TableRow){
            {alloc_string(member_text(worker, "name")), alloc_string(member_text(worker, "state")),
             alloc_format("%lld of %lld", number_of(worker, "busy_slots"),
                          number_of(worker, "slots")),
             duration_cell(worker, "heartbeat_seconds", " ago"),
             duration_cell(worker, "age_seconds", "")}};
    }
    table_end(cli, &table, "workers");
}

static void print_queues(const Cli *cli, const json_t *queues)
{
    static const TableRow HEAD = {{"ORGANISATION", "WAITING", "IN WORK", "OLDEST WAITS"}};
    fprintf(cli->out, "\nQueue: %lld items waiting, %lld in work\n",
            sum_of(queues, "waiting_count"), sum_of(queues, "processing_count"));
    if (json_array_size(queues) == 0) {
        return;
    }
    Table table;
    table_begin(&table, queues, &HEAD, 4);
    size_t index = 0;
    const json_t *queue = NULL;
    json_array_foreach(queues, index, queue)
    {
        if (index == QUEUES_SHOWN_MAX) {
            break;
        }
        table.rows[table.row_count++] =
            (TableRow){{alloc_string(member_text(queue, "organization_id")),
                        number_text(queue, "waiting_count"), number_text(queue, "processing_count"),
                        duration_cell(queue, "oldest_seconds", "")}};
    }
    table_end(cli, &table, "organisations");
}

static char *median_text(double seconds)
{
    enum { PRECISE_BELOW = 10 };
    return seconds < PRECISE_BELOW ? alloc_format("%.2f s", seconds)
                                   : duration_text((int64_t)seconds);
}

static void print_attempts(const Cli *cli, const json_t *attempts)
{
    size_t index = 0;
    const json_t *attempt = NULL;
    fprintf(cli->out, "\nAttempts in the last hour: %lld", sum_of(attempts, "count"));
    json_array_foreach(attempts, index, attempt)
    {
        const char *outcome = member_text(attempt, "outcome");
        fprintf(cli->out, "%s %lld %s", index == 0 ? ", of which" : ",",
                number_of(attempt, "count"), outcome);
        if (strcmp(outcome, "SUCCEEDED") == 0) {
            AUTO_FREE char *median =
                median_text(json_real_value(json_object_get(attempt, "median_seconds")));
            fprintf(cli->out, " (median %s)", median);
        }
    }
    fputc('\n', cli->out);
}

static void print_failures(const Cli *cli, const json_t *failures)
{
    static const TableRow HEAD = {{"COUNT", "OUTCOME", "LAST", "REASON"}};
    if (json_array_size(failures) == 0) {
        return;
    }
    Table table;
    table_begin(&table, failures, &HEAD, 4);
    size_t index = 0;
    const json_t *failure = NULL;
    json_array_foreach(failures, index, failure)
    {
        if (index == FAILURES_SHOWN_MAX) {
            break;
        }
        char *reason = alloc_string(member_text(failure, "reason"));
        shorten(reason, REASON_CHARACTERS_MAX);
        table.rows[table.row_count++] = (TableRow){
            {number_text(failure, "count"), alloc_string(member_text(failure, "outcome")),
             duration_cell(failure, "last_seconds", " ago"), reason}};
    }
    table_end(cli, &table, "reasons");
}

static void print_troubles(const Cli *cli, const json_t *troubles)
{
    size_t index = 0;
    const json_t *trouble = NULL;
    bool well = json_array_size(troubles) == 0;
    fprintf(cli->out, "Slideway %s\n",
            well ? SLIDEWAY_VERSION " is well." : SLIDEWAY_VERSION " is NOT well:");
    json_array_foreach(troubles, index, trouble)
    {
        AUTO_FREE char *text = printable(json_string_value(trouble));
        fprintf(cli->out, "  %s\n", text);
    }
    fputc('\n', cli->out);
}

static void print_status(const Cli *cli, const json_t *facts)
{
    print_troubles(cli, json_object_get(facts, "troubles"));
    print_services(cli, facts);
    if (json_is_true(json_object_get(json_object_get(facts, "database"), "up"))) {
        print_workers(cli, json_object_get(facts, "workers"));
        print_queues(cli, json_object_get(facts, "queues"));
        print_attempts(cli, json_object_get(facts, "attempts_last_hour"));
        print_failures(cli, json_object_get(facts, "failures_last_hour"));
    }
}

static bool run_status(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    (void)operands;
    AUTO_JSON *facts = NULL;
    if (!status_facts(cli, &facts, error)) {
        return false;
    }
    if (json_array_size(json_object_get(facts, "troubles")) > 0) {
        cli->exit_code = EXIT_TROUBLE;
    }
    if (cli->json) {
        print_json(cli, facts);
    } else {
        print_status(cli, facts);
    }
    return true;
}

const Command COMMAND_STATUS = {
    .name = "status",
    .operands = "",
    .summary = "show how the platform is doing",
    .details = "Database, API and workers; what waits for each organisation, and since when; the\n"
               "attempts of the last hour, and why some failed. Asks the database of --data or\n"
               "SLIDEWAY_DATABASE, and the API of --data or --url.",
    .run = run_status,
};
