/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the database and the API; see status_facts.h. */
#include "cli/status_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/endpoint.h"
#include "cli/health.h"
#include "cli/print.h"
#include "cli_sql.h"
#include "db/connection.h"
#include "db/migrate.h"
#include "json/reader.h"

/* A status that takes longer than this is one; a store may have a bad minute. */
enum { STATUS_STATEMENT_MS = 5000, REFUSED_SECONDS_MAX = 60 };

/* Of pg_type, which never changes. */
enum { TYPE_BIGINT = 20, TYPE_INTEGER = 23, TYPE_DOUBLE = 701 };

static void add_trouble(json_t *facts, const char *text)
{
    json_array_append_new(json_object_get(facts, "troubles"), json_string(text));
}

static json_t *value_to_json(const PGresult *result, int row, int column)
{
    const char *text = PQgetvalue(result, row, column);
    if (PQgetisnull(result, row, column)) {
        return json_null();
    }
    switch (PQftype(result, column)) {
    case TYPE_BIGINT:
    case TYPE_INTEGER:
        return json_integer(strtoll(text, NULL, 10));
    case TYPE_DOUBLE:
        return json_real(strtod(text, NULL));
    default:
        return json_string(text);
    }
}

static json_t *row_to_json(const PGresult *result, int row)
{
    json_t *object = json_object();
    for (int column = 0; column < PQnfields(result); column++) {
        json_object_set_new(object, PQfname(result, column), value_to_json(result, row, column));
    }
    return object;
}

/* Runs a statement without parameters; its rows become objects. */
static bool list(PGconn *connection, const char *sql, json_t **rows_out, Error *error)
{
    AUTO_RESULT *result = connection_query(connection, sql, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        return connection_error(connection, "the database does not tell how it is", error);
    }
    json_t *rows = json_array();
    for (int row = 0; row < PQntuples(result); row++) {
        json_array_append_new(rows, row_to_json(result, row));
    }
    *rows_out = rows;
    return true;
}

/* The database's own facts, and the version of its tables. */
static bool read_database(PGconn *connection, json_t *database, Error *error)
{
    AUTO_JSON *rows = NULL;
    MigrateReport report = {0};
    if (!migrate_check(connection, &report, error) ||
        !list(connection, SQL_GET_DATABASE_FACTS, &rows, error)) {
        return false;
    }
    json_object_update(database, json_array_get(rows, 0));
    json_object_set_new(database, "migration", json_integer(report.newest));
    return true;
}

static bool read_lists(PGconn *connection, json_t *facts, Error *error)
{
    const struct {
        const char *key;
        const char *sql;
    } lists[] = {
        {"workers", SQL_LIST_WORKERS},
        {"queues", SQL_LIST_ORGANIZATION_QUEUES},
        {"unrunnable", SQL_LIST_UNRUNNABLE_VERSIONS},
        {"attempts_last_hour", SQL_LIST_RECENT_OUTCOMES},
        {"failures_last_hour", SQL_LIST_RECENT_FAILURES},
    };
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        json_t *rows = NULL;
        if (!list(connection, lists[i].sql, &rows, error)) {
            return false;
        }
        json_object_set_new(facts, lists[i].key, rows);
    }
    AUTO_JSON *refused = NULL;
    if (!list(connection, SQL_GET_REFUSED_OBJECTS, &refused, error)) {
        return false;
    }
    json_object_set(facts, "refused_objects", json_array_get(refused, 0));
    return true;
}

/* False: the command line names no database, or none that there is. */
static bool ask_database(const Cli *cli, json_t *facts, Error *error)
{
    AUTO_CONNECTION *connection = NULL;
    json_t *database = json_object_get(facts, "database");
    int64_t asked_at_us = clock_monotonic_us(cli->clock);
    bool connected = cli_connect(cli, STATUS_STATEMENT_MS, &connection, error);
    if (!connected && error->code != ERROR_UNAVAILABLE) {
        return false;
    }
    if (connected && read_database(connection, database, error) &&
        read_lists(connection, facts, error)) {
        int64_t took_us = clock_monotonic_us(cli->clock) - asked_at_us;
        json_object_set_new(database, "up", json_true());
        json_object_set_new(database, "answered_in_ms",
                            json_integer(took_us / MICROSECONDS_PER_MILLISECOND));
        return true;
    }
    AUTO_FREE char *trouble = alloc_format("database: %s%s%s", error->message,
                                           error->cause[0] == '\0' ? "" : ": ", error->cause);
    add_trouble(facts, trouble);
    error_clear(error);
    return true;
}

/* The API of --url or of the data folder; without either it is not asked. */
static bool ask_api(const Cli *cli, json_t *facts, Error *error)
{
    AUTO_ENDPOINT endpoint = {0};
    if (cli->url == NULL && cli->data != NULL && !endpoint_read(cli->data, &endpoint, error)) {
        return false;
    }
    const char *url = cli->url != NULL ? cli->url : endpoint.api_url;
    if (url == NULL) {
        return true;
    }
    bool up = health_is_up(url);
    json_object_set_new(facts, "api", json_pack("{s:s, s:b}", "url", url, "up", (int)up));
    if (!up) {
        AUTO_FREE char *trouble = alloc_format("API: %s/health does not say that it is up", url);
        add_trouble(facts, trouble);
    }
    return true;
}

/* Living workers, of which each has too little. */
static void judge_unrunnable(json_t *facts)
{
    size_t index = 0;
    const json_t *version = NULL;
    json_array_foreach(json_object_get(facts, "unrunnable"), index, version)
    {
        AUTO_FREE char *trouble = alloc_format(
            "queue: %lld items of %s %s fit into no worker: one item needs %lld cores, %.1f GB "
            "of memory and %lld GPUs",
            (long long)json_integer_value(json_object_get(version, "waiting_count")),
            member_text(version, "application_id"), member_text(version, "version_number"),
            (long long)json_integer_value(json_object_get(version, "cpus")),
            (double)json_integer_value(json_object_get(version, "memory_bytes")) / 1e9,
            (long long)json_integer_value(json_object_get(version, "gpus")));
        add_trouble(facts, trouble);
    }
}

static void judge_workers(json_t *facts)
{
    size_t index = 0;
    const json_t *worker = NULL;
    bool one_lives = false;
    json_array_foreach(json_object_get(facts, "workers"), index, worker)
    {
        if (strcmp(member_text(worker, "state"), "ALIVE") == 0) {
            one_lives = true;
            continue;
        }
        AUTO_FREE char *silence =
            duration_text(json_integer_value(json_object_get(worker, "heartbeat_seconds")));
        AUTO_FREE char *trouble = alloc_format("worker %s: silent for %s, its lease is over",
                                               member_text(worker, "name"), silence);
        add_trouble(facts, trouble);
    }
    if (one_lives) {
        judge_unrunnable(facts);
    } else {
        add_trouble(facts, "workers: none is alive, so nothing is processed");
    }
}

static void judge_store(json_t *facts)
{
    const json_t *refused = json_object_get(facts, "refused_objects");
    int64_t oldest_seconds = json_integer_value(json_object_get(refused, "oldest_seconds"));
    if (oldest_seconds > REFUSED_SECONDS_MAX) {
        AUTO_FREE char *since = duration_text(oldest_seconds);
        AUTO_FREE char *trouble = alloc_format(
            "object store: %lld objects that are to go were not removed, the oldest for %s",
            (long long)json_integer_value(json_object_get(refused, "count")), since);
        add_trouble(facts, trouble);
    }
}

static void judge(json_t *facts)
{
    const json_t *database = json_object_get(facts, "database");
    if (json_is_true(json_object_get(database, "up"))) {
        if (json_integer_value(json_object_get(database, "server_connections")) == 0) {
            add_trouble(facts, "servers: none is connected to the database");
        }
        judge_workers(facts);
        judge_store(facts);
    }
    bool well = json_array_size(json_object_get(facts, "troubles")) == 0;
    json_object_set_new(facts, "status", json_string(well ? "OK" : "TROUBLE"));
}

bool status_facts(const Cli *cli, json_t **facts_out, Error *error)
{
    AUTO_JSON *facts = json_pack(
        "{s:s, s:s, s:[], s:{s:b}, s:n, s:[], s:[], s:[], s:[], s:[], s:n}", "status", "OK",
        "version", SLIDEWAY_VERSION, "troubles", "database", "up", 0, "api", "workers", "queues",
        "unrunnable", "attempts_last_hour", "failures_last_hour", "refused_objects");
    if (!ask_database(cli, facts, error) || !ask_api(cli, facts, error)) {
        return false;
    }
    judge(facts);
    *facts_out = TAKE(facts);
    return true;
}
