/* SPDX-License-Identifier: Apache-2.0 */
/* Removal in batches; see removal.h. */
#include "jobs/removal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "buckets/bucket_url.h"
#include "jobs/outputs.h"
#include "jobs_sql.h"

/* The lists have at most 100 rows, and more wait behind a full one. */
enum { ROWS_MAX = 100, BATCHES_A_ROUND_MAX = 10, ARRAY_BYTES_MAX = 1024 * 1024 };

typedef struct Removal {
    const char *list_sql;
    const char *confirm_sql; /* takes the first column of the rows that are done with */
    char *(*object_key)(const PGresult *rows, int row);
    bool keeps_refused; /* the list is that of refused objects */
} Removal;

void removal_log(LogEvent event, const char *object_key, const Error *reason)
{
    log_event(LOG_ERROR, event, LOG_STRING("object_key", object_key),
              LOG_STRING("code", error_code_name(reason->code)),
              LOG_STRING("message", reason->message), LOG_STRING("cause", reason->cause));
}

bool removal_try(ObjectStore *store, const char *object_key, ArrayWriter *refused)
{
    Error reason = {0};
    AUTO_FREE char *folder = alloc_string(object_key);
    char *end = folder + strlen(folder) - 1;
    bool removed = false;
    if (*end == '/') {
        *end = '\0';
        removed = objectstore_remove_prefix(store, folder, &reason);
    } else {
        removed = objectstore_remove(store, object_key, &reason);
    }
    if (!removed) {
        removal_log(EVENT_OBJECT_NOT_REMOVED, object_key, &reason);
        array_add_string(refused, object_key);
    }
    return removed;
}

static bool tell(Lead *lead, const char *sql, ArrayWriter *keys, Error *error)
{
    if (keys->count == 0) {
        return true;
    }
    const char *const values[] = {array_finish(keys)};
    AUTO_RESULT *result = NULL;
    return lead_query(lead, sql, values, 1, &result, error);
}

bool removal_refuse(Lead *lead, ArrayWriter *refused, Error *error)
{
    return tell(lead, SQL_REFUSE_OBJECTS, refused, error);
}

/* Removes what it can. A refused object is written down before its row is done with, so that no
 * crash in between forgets it. */
static bool remove_rows(const Removal *removal,
                        Lead *lead,
                        ObjectStore *store,
                        const PGresult *rows,
                        bool *away_out,
                        Error *error)
{
    AUTO_ARRAY done;
    AUTO_ARRAY refused;
    array_init(&done, ARRAY_BYTES_MAX);
    array_init(&refused, ARRAY_BYTES_MAX);
    for (int row = 0; row < PQntuples(rows) && refused.count < REMOVAL_FAILURES_MAX; row++) {
        if (!lead_keep(lead, error)) {
            return false;
        }
        AUTO_FREE char *object_key = removal->object_key(rows, row);
        if (removal_try(store, object_key, &refused) || !removal->keeps_refused) {
            array_add_string(&done, PQgetvalue(rows, row, 0));
        }
    }
    *away_out = refused.count == REMOVAL_FAILURES_MAX;
    return removal_refuse(lead, &refused, error) && tell(lead, removal->confirm_sql, &done, error);
}

static bool remove_all(const Removal *removal, Lead *lead, ObjectStore *store, Error *error)
{
    for (int batch = 0; batch < BATCHES_A_ROUND_MAX; batch++) {
        AUTO_RESULT *rows = NULL;
        bool away = false;
        if (!lead_query(lead, removal->list_sql, NULL, 0, &rows, error) ||
            !remove_rows(removal, lead, store, rows, &away, error)) {
            return false;
        }
        if (away || PQntuples(rows) < ROWS_MAX) {
            return true;
        }
    }
    return true;
}

static char *key_of_attempt(const PGresult *rows, int row)
{
    enum { ATTEMPT_ID, ITEM_ID, RUN_ID };
    AUTO_FREE char *folder =
        outputs_prefix(PQgetvalue(rows, row, RUN_ID), PQgetvalue(rows, row, ITEM_ID),
                       PQgetvalue(rows, row, ATTEMPT_ID));
    return alloc_format("%s/", folder);
}

bool removal_of_losers(Lead *lead, ObjectStore *store, Error *error)
{
    static const Removal LOSERS = {SQL_LIST_LOST_ATTEMPTS, SQL_MARK_ATTEMPTS_SWEPT, key_of_attempt,
                                   false};
    return remove_all(&LOSERS, lead, store, error);
}

static char *key_of_artifact(const PGresult *rows, int row)
{
    enum { ARTIFACT_ID, OBJECT_KEY };
    return alloc_string(PQgetvalue(rows, row, OBJECT_KEY));
}

bool removal_of_deleted(Lead *lead, ObjectStore *store, Error *error)
{
    static const Removal DELETED = {SQL_LIST_DELETED_ARTIFACTS, SQL_MARK_ARTIFACTS_REMOVED,
                                    key_of_artifact, false};
    return remove_all(&DELETED, lead, store, error);
}

static char *key_of_bucket_file(const PGresult *rows, int row)
{
    enum { FILE_ID, BUCKET_NAME };
    return bucket_store_key(PQgetvalue(rows, row, BUCKET_NAME), PQgetvalue(rows, row, FILE_ID));
}

bool removal_of_bucket_files(Lead *lead, ObjectStore *store, Error *error)
{
    static const Removal STRAYS = {SQL_LIST_BUCKET_STRAYS, SQL_FORGET_BUCKET_STRAYS,
                                   key_of_bucket_file, false};
    return remove_all(&STRAYS, lead, store, error);
}

static char *key_of_refused(const PGresult *rows, int row)
{
    enum { OBJECT_KEY };
    return alloc_string(PQgetvalue(rows, row, OBJECT_KEY));
}

bool removal_of_refused(Lead *lead, ObjectStore *store, Error *error)
{
    static const Removal REFUSED = {SQL_LIST_REFUSED_OBJECTS, SQL_FORGET_REFUSED_OBJECTS,
                                    key_of_refused, true};
    return remove_all(&REFUSED, lead, store, error);
}
