/* SPDX-License-Identifier: Apache-2.0 */
/* Removal in batches; see removal.h. */
#include "jobs/removal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/uuid.h"
#include "buckets/bucket_url.h"
#include "db/array.h"
#include "jobs/outputs.h"
#include "jobs_sql.h"

/* The lists have at most 100 rows, and more wait behind a full one. A store that refuses so many in
 * one batch is away. */
enum { ROWS_MAX = 100, BATCHES_A_ROUND_MAX = 10, FAILURES_MAX = 10 };

typedef struct Removal {
    const char *list_sql;
    const char *confirm_sql;
    /* Removes what the row names, whose first column is the id that is confirmed. */
    bool (*remove)(ObjectStore *store, const PGresult *rows, int row, Error *error);
} Removal;

static bool confirm(Lead *lead, const char *sql, ArrayWriter *ids, Error *error)
{
    const char *const values[] = {array_finish(ids)};
    AUTO_RESULT *result = NULL;
    return lead_query(lead, sql, values, 1, &result, error);
}

/* Removes all rows that it can, and confirms those. */
static bool remove_rows(
    const Removal *removal, Lead *lead, ObjectStore *store, const PGresult *rows, Error *error)
{
    AUTO_ARRAY removed;
    array_init(&removed, (size_t)ROWS_MAX * (UUID_TEXT_BYTES + 2) + 2);
    int failures = 0;
    for (int row = 0; row < PQntuples(rows) && failures < FAILURES_MAX; row++) {
        Error reason = {0};
        if (!lead_keep(lead, error)) {
            return false;
        }
        if (removal->remove(store, rows, row, &reason)) {
            array_add_string(&removed, PQgetvalue(rows, row, 0));
        } else {
            log_error(LOG_ERROR, EVENT_OBJECT_NOT_REMOVED, &reason);
            failures++;
        }
    }
    if (removed.count > 0 && !confirm(lead, removal->confirm_sql, &removed, error)) {
        return false;
    }
    return failures == 0 ||
           error_set(error, ERROR_UNAVAILABLE, "the object store did not remove all objects");
}

static bool remove_all(const Removal *removal, Lead *lead, ObjectStore *store, Error *error)
{
    for (int batch = 0; batch < BATCHES_A_ROUND_MAX; batch++) {
        AUTO_RESULT *rows = NULL;
        if (!lead_query(lead, removal->list_sql, NULL, 0, &rows, error) ||
            !remove_rows(removal, lead, store, rows, error)) {
            return false;
        }
        if (PQntuples(rows) < ROWS_MAX) {
            return true;
        }
    }
    return true;
}

static bool remove_attempt(ObjectStore *store, const PGresult *rows, int row, Error *error)
{
    enum { ATTEMPT_ID, ITEM_ID, RUN_ID };
    AUTO_FREE char *prefix =
        outputs_prefix(PQgetvalue(rows, row, RUN_ID), PQgetvalue(rows, row, ITEM_ID),
                       PQgetvalue(rows, row, ATTEMPT_ID));
    return objectstore_remove_prefix(store, prefix, error);
}

static bool remove_artifact(ObjectStore *store, const PGresult *rows, int row, Error *error)
{
    enum { ARTIFACT_ID, OBJECT_KEY };
    return objectstore_remove(store, PQgetvalue(rows, row, OBJECT_KEY), error);
}

bool removal_of_losers(Lead *lead, ObjectStore *store, Error *error)
{
    static const Removal LOSERS = {SQL_LIST_LOST_ATTEMPTS, SQL_MARK_ATTEMPTS_SWEPT, remove_attempt};
    return remove_all(&LOSERS, lead, store, error);
}

bool removal_of_deleted(Lead *lead, ObjectStore *store, Error *error)
{
    static const Removal DELETED = {SQL_LIST_DELETED_ARTIFACTS, SQL_MARK_ARTIFACTS_REMOVED,
                                    remove_artifact};
    return remove_all(&DELETED, lead, store, error);
}

static bool remove_bucket_file(ObjectStore *store, const PGresult *rows, int row, Error *error)
{
    enum { FILE_ID, BUCKET_NAME };
    AUTO_FREE char *key =
        bucket_store_key(PQgetvalue(rows, row, BUCKET_NAME), PQgetvalue(rows, row, FILE_ID));
    return objectstore_remove(store, key, error);
}

bool removal_of_bucket_files(Lead *lead, ObjectStore *store, Error *error)
{
    static const Removal STRAYS = {SQL_LIST_BUCKET_STRAYS, SQL_FORGET_BUCKET_STRAYS,
                                   remove_bucket_file};
    return remove_all(&STRAYS, lead, store, error);
}
