/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Migrations: the files src/db/migrations/NNNN_name.sql, built into the program, applied in their
 * order, each in a transaction, forward only. A table keeps the checksum of each: a file that was
 * changed after it had been applied, and a database newer than this program, are refused.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/embedded.h"
#include "base/error.h"

typedef struct MigrateReport {
    int applied; /* how many were applied now (migrate_run) or are missing (migrate_check) */
    int newest;  /* the number this program ends at */
} MigrateReport;

/* Brings the database to the newest number. Waits for another program that migrates. */
MUST_CHECK bool migrate_run(PGconn *connection, MigrateReport *report_out, Error *error);
/* Changes nothing. ERROR_CONFLICT when the database is not at the newest number. */
MUST_CHECK bool migrate_check(PGconn *connection, MigrateReport *report_out, Error *error);

enum { MIGRATION_CHECKSUM_BYTES = 65 };

/* A row of schema_migrations. */
typedef struct AppliedMigration {
    int number;
    char checksum[MIGRATION_CHECKSUM_BYTES];
} AppliedMigration;

/* SHA-256 of a migration's text, in hexadecimal. */
void migration_checksum(const char *text, char out[MIGRATION_CHECKSUM_BYTES]);
/* The number in front of "0001_tables.sql"; 0 when there is none. */
int migration_number(const char *file_name);
/* How many of the files stand applied already; false when the two lists contradict each other. */
MUST_CHECK bool migrate_plan(const EmbeddedFile *files,
                             size_t file_count,
                             const AppliedMigration *applied,
                             size_t applied_count,
                             size_t *done_out,
                             Error *error);
