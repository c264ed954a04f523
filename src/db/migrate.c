/* SPDX-License-Identifier: Apache-2.0 */
/* Forward-only migrations; see migrate.h. */
#include "db/migrate.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "db/connection.h"
#include "db_sql.h"
#include "migrations.h"

enum { NUMBER_DIGITS = 4, NUMBER_BYTES = 12 };

static_assert(MIGRATION_CHECKSUM_BYTES == 2 * SHA256_DIGEST_LENGTH + 1, "hexadecimal and a NUL");

void migration_checksum(const char *text, char out[MIGRATION_CHECKSUM_BYTES])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text, strlen(text), digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
}

int migration_number(const char *file_name)
{
    int64_t number = 0;
    if (strlen(file_name) <= NUMBER_DIGITS || file_name[NUMBER_DIGITS] != '_' ||
        !parse_int64((Text){file_name, NUMBER_DIGITS}, 1, INT16_MAX, &number)) {
        return 0;
    }
    return (int)number;
}

bool migrate_plan(const EmbeddedFile *files,
                  size_t file_count,
                  const AppliedMigration *applied,
                  size_t applied_count,
                  size_t *done_out,
                  Error *error)
{
    for (size_t i = 0; i < file_count; i++) {
        /* A gap or a pair of the same number is our own mistake. */
        assert(migration_number(files[i].name) == (int)i + 1);
    }
    for (size_t i = 0; i < applied_count; i++) {
        if (i >= file_count) {
            return error_set(error, ERROR_CONFLICT,
                             "the database has migration %d, which this program does not know: "
                             "it was made by a newer one",
                             applied[i].number);
        }
        char checksum[MIGRATION_CHECKSUM_BYTES];
        migration_checksum(files[i].text, checksum);
        if (applied[i].number != (int)i + 1 || strcmp(applied[i].checksum, checksum) != 0) {
            return error_set(error, ERROR_CONFLICT,
                             "migration %s differs from the one the database was made with",
                             files[i].name);
        }
    }
    *done_out = applied_count;
    return true;
}

static bool succeeded(PGconn *connection, const PGresult *result, const char *what, Error *error)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        return true;
    }
    return connection_error(connection, what, error);
}

static bool run(PGconn *connection, const char *sql, const char *what, Error *error)
{
    AUTO_RESULT *result = PQexec(connection, sql);
    return succeeded(connection, result, what, error);
}

static bool table_exists(PGconn *connection, bool *exists_out, Error *error)
{
    AUTO_RESULT *result = PQexec(connection, SQL_FIND_SCHEMA_MIGRATIONS);
    if (!succeeded(connection, result, "cannot look for the table of migrations", error)) {
        return false;
    }
    *exists_out = PQgetvalue(result, 0, 0)[0] == 't';
    return true;
}

/* The applied migrations; AUTO_FREE. */
static bool
read_applied(PGconn *connection, AppliedMigration **applied_out, size_t *count_out, Error *error)
{
    AUTO_RESULT *result = PQexec(connection, SQL_LIST_SCHEMA_MIGRATIONS);
    if (!succeeded(connection, result, "cannot read the table of migrations", error)) {
        return false;
    }
    size_t count = (size_t)PQntuples(result);
    AUTO_FREE AppliedMigration *applied = alloc_zeroed(count + 1, sizeof *applied);
    for (size_t i = 0; i < count; i++) {
        int64_t number = 0;
        if (!parse_int64(text_of(PQgetvalue(result, (int)i, 0)), 1, INT16_MAX, &number)) {
            return error_set(error, ERROR_CONFLICT, "the table of migrations is damaged");
        }
        applied[i].number = (int)number;
        snprintf(applied[i].checksum, sizeof applied[i].checksum, "%s",
                 PQgetvalue(result, (int)i, 2));
    }
    *applied_out = TAKE(applied);
    *count_out = count;
    return true;
}

static bool plan_now(PGconn *connection, size_t *done_out, Error *error)
{
    AUTO_FREE AppliedMigration *applied = NULL;
    size_t applied_count = 0;
    return read_applied(connection, &applied, &applied_count, error) &&
           migrate_plan(MIGRATIONS, MIGRATIONS_COUNT, applied, applied_count, done_out, error);
}

static bool record(PGconn *connection, const EmbeddedFile *file, Error *error)
{
    char checksum[MIGRATION_CHECKSUM_BYTES];
    migration_checksum(file->text, checksum);
    char number[NUMBER_BYTES];
    snprintf(number, sizeof number, "%d", migration_number(file->name));
    const char *values[] = {number, file->name, checksum};
    AUTO_RESULT *result = PQexecParams(connection, SQL_INSERT_SCHEMA_MIGRATION, ARRAY_COUNT(values),
                                       NULL, values, NULL, NULL, 0);
    return succeeded(connection, result, "cannot record it", error);
}

static bool apply(PGconn *connection, const EmbeddedFile *file, Error *error)
{
    bool done = run(connection, SQL_BEGIN, "cannot begin", error) &&
                run(connection, file->text, "its SQL failed", error) &&
                record(connection, file, error) &&
                run(connection, SQL_COMMIT, "cannot commit", error);
    if (!done) {
        Error ignored = {0};
        if (!run(connection, SQL_ROLLBACK, "cannot roll back", &ignored)) {
            /* The connection is gone, and the transaction with it. */
            return error_context(error, "migration %s", file->name);
        }
        return error_context(error, "migration %s", file->name);
    }
    return true;
}

static bool run_locked(PGconn *connection, MigrateReport *report, Error *error)
{
    size_t done = 0;
    if (!run(connection, SQL_CREATE_SCHEMA_MIGRATIONS, "cannot create the table of migrations",
             error) ||
        !plan_now(connection, &done, error)) {
        return false;
    }
    for (size_t i = done; i < MIGRATIONS_COUNT; i++) {
        if (!apply(connection, &MIGRATIONS[i], error)) {
            return false;
        }
        report->applied++;
    }
    return true;
}

static void ignore_notice(void *nothing, const char *message)
{
    (void)nothing;
    (void)message;
}

bool migrate_run(PGconn *connection, MigrateReport *report_out, Error *error)
{
    MigrateReport report = {.newest = (int)MIGRATIONS_COUNT};
    PQsetNoticeProcessor(connection, ignore_notice, NULL);
    if (!run(connection, SQL_LOCK_MIGRATIONS, "cannot take the lock of migrations", error)) {
        return false;
    }
    bool done = run_locked(connection, &report, error);
    Error unlock_error = {0};
    if (!run(connection, SQL_UNLOCK_MIGRATIONS, "cannot give the lock back", &unlock_error) &&
        done) {
        *error = unlock_error;
        return false;
    }
    if (done) {
        *report_out = report;
    }
    return done;
}

bool migrate_check(PGconn *connection, MigrateReport *report_out, Error *error)
{
    bool exists = false;
    size_t done = 0;
    if (!table_exists(connection, &exists, error) ||
        (exists && !plan_now(connection, &done, error))) {
        return false;
    }
    *report_out =
        (MigrateReport){.applied = (int)(MIGRATIONS_COUNT - done), .newest = (int)MIGRATIONS_COUNT};
    if (report_out->applied > 0) {
        return error_set(error, ERROR_CONFLICT,
                         "the database is at migration %zu of %d: run 'slideway migrate' first",
                         done, report_out->newest);
    }
    return true;
}
