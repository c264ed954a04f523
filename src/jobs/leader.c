/* SPDX-License-Identifier: Apache-2.0 */
/* Leader duties; see leader.h. */
#include "jobs/leader.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "db/connection.h"
#include "jobs/outputs.h"
#include "jobs/positions.h"
#include "jobs/queue.h"
#include "jobs_sql.h"

/* An upload writes all the time, but a hung worker or a paused machine may come back to its own. */
enum { ABANDONED_SECONDS = 24 * 3600 };

static bool
query(PGconn *connection, const char *sql, const char *value, PGresult **result_out, Error *error)
{
    PGresult *result = connection_query(connection, sql, &value, value == NULL ? 0 : 1);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        PQclear(result);
        return connection_error(connection, "a duty of the leader failed", error);
    }
    *result_out = result;
    return true;
}

static bool mark(PGconn *connection, const char *sql, const char *id, Error *error)
{
    AUTO_RESULT *result = NULL;
    return query(connection, sql, id, &result, error);
}

/* Objects of attempts that did not win. */
static bool sweep_lost_attempts(PGconn *connection, ObjectStore *store, Error *error)
{
    enum { ATTEMPT_ID, ITEM_ID, RUN_ID };
    AUTO_RESULT *result = NULL;
    if (!query(connection, SQL_LIST_LOST_ATTEMPTS, NULL, &result, error)) {
        return false;
    }
    for (int row = 0; row < PQntuples(result); row++) {
        const char *attempt_id = PQgetvalue(result, row, ATTEMPT_ID);
        AUTO_FREE char *prefix = outputs_prefix(PQgetvalue(result, row, RUN_ID),
                                                PQgetvalue(result, row, ITEM_ID), attempt_id);
        if (!objectstore_remove_prefix(store, prefix, error) ||
            !mark(connection, SQL_MARK_ATTEMPT_SWEPT, attempt_id, error)) {
            return false;
        }
    }
    return true;
}

/* Objects of artifacts that were deleted. */
static bool remove_deleted_artifacts(PGconn *connection, ObjectStore *store, Error *error)
{
    enum { ARTIFACT_ID, OBJECT_KEY };
    AUTO_RESULT *result = NULL;
    if (!query(connection, SQL_LIST_DELETED_ARTIFACTS, NULL, &result, error)) {
        return false;
    }
    for (int row = 0; row < PQntuples(result); row++) {
        if (!objectstore_remove(store, PQgetvalue(result, row, OBJECT_KEY), error) ||
            !mark(connection, SQL_MARK_ARTIFACT_REMOVED, PQgetvalue(result, row, ARTIFACT_ID),
                  error)) {
            return false;
        }
    }
    return true;
}

static bool
find_whether_leads(PGconn *connection, const WorkerIdentity *worker, bool *leads_out, Error *error)
{
    AUTO_RESULT *result = NULL;
    if (!query(connection, SQL_LEAD, worker->worker_id.text, &result, error)) {
        return false;
    }
    *leads_out = *PQgetvalue(result, 0, 0) == 't';
    return true;
}

bool leader_tend_queue(PGconn *connection, const WorkerIdentity *worker, Error *error)
{
    bool leads = false;
    if (!find_whether_leads(connection, worker, &leads, error)) {
        return false;
    }
    return !leads || (queue_tend(connection, worker->batch_size, error) &&
                      positions_refresh(connection, worker->batch_size, error));
}

bool leader_turn(PGconn *connection,
                 const WorkerIdentity *worker,
                 ObjectStore *store,
                 const Clock *clock,
                 Error *error)
{
    bool leads = false;
    if (!find_whether_leads(connection, worker, &leads, error)) {
        return false;
    }
    if (!leads) {
        return true;
    }
    LeaseExpiry expiry = {0};
    if (!queue_expire_leases(connection, worker->attempts_max, &expiry, error)) {
        return false;
    }
    if (expiry.leases > 0) {
        metric_add(METRIC_LEASES_EXPIRED, 0, expiry.leases);
        metric_add(METRIC_ITEMS_RETURNED, 0, expiry.returned_items);
        log_event(LOG_WARNING, EVENT_LEASE_EXPIRED, LOG_NUMBER("leases", expiry.leases),
                  LOG_NUMBER("returned_items", expiry.returned_items));
    }
    int64_t before_us = clock_now_us(clock) - ABANDONED_SECONDS * MICROSECONDS_PER_SECOND;
    return sweep_lost_attempts(connection, store, error) &&
           remove_deleted_artifacts(connection, store, error) &&
           positions_forget(connection, error) &&
           objectstore_sweep_uploads(store, before_us, error);
}
