/* SPDX-License-Identifier: Apache-2.0 */
/* The table of duties and those that are mostly SQL; see duties.h. */
#include "jobs/duties.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "jobs/positions.h"
#include "jobs/removal.h"
#include "jobs/sweep.h"
#include "jobs_sql.h"

/* Calls of one round: the other duties wait meanwhile. */
enum { CALLS_A_ROUND_MAX = 20, NUMBER_BYTES = 24 };
/* An upload writes all the time, but a hung worker or a paused machine may come back to its own. */
enum { ABANDONED_SECONDS = 24 * 3600, OPEN_UPLOAD_DAYS = 7 };

typedef bool DutyFunction(Duties *duties, Lead *lead, Error *error);

static DutyFunction take_back_leases;
static DutyFunction tend_queue;
static DutyFunction tell_of_unrunnable;
static DutyFunction apply_releases;
static DutyFunction refresh_positions;
static DutyFunction forget_positions;
static DutyFunction close_overdue_runs;
static DutyFunction delete_outdated_runs;
static DutyFunction expire_bucket_objects;
static DutyFunction remove_losers;
static DutyFunction remove_deleted;
static DutyFunction remove_bucket_files;
static DutyFunction remove_refused;
static DutyFunction sweep_uploads;
static DutyFunction sweep_objects;
static DutyFunction sweep_artifacts;

static const struct {
    const char *name;
    int64_t period_seconds;
    DutyFunction *run;
} DUTIES[] = {
    {"leases", 1, take_back_leases},
    {"queue", 1, tend_queue},
    {"unrunnable", 60, tell_of_unrunnable},
    {"quotas", 5, apply_releases},
    {"positions", 1, refresh_positions},
    {"old positions", 5, forget_positions},
    {"deadlines", 1, close_overdue_runs},
    {"retention", 1, delete_outdated_runs},
    {"old uploads", 5, expire_bucket_objects},
    {"lost objects", 1, remove_losers},
    {"deleted objects", 1, remove_deleted},
    {"bucket files", 1, remove_bucket_files},
    {"refused objects", 1, remove_refused},
    {"uploads", 60, sweep_uploads},
    {"objects", 1, sweep_objects},
    {"artifacts", 1, sweep_artifacts},
};

struct Duties {
    LeaderOptions options;
    Sweep *sweep;
    int64_t due_us[ARRAY_COUNT(DUTIES)];
};

Duties *duties_create(const LeaderOptions *options)
{
    Duties *duties = ALLOC_NEW(Duties);
    *duties = (Duties){.options = *options, .sweep = sweep_create(options)};
    return duties;
}

void duties_destroy(Duties *duties)
{
    if (duties != NULL) {
        sweep_destroy(duties->sweep);
        alloc_free(duties);
    }
}

bool duties_do(Duties *duties, Lead *lead, Error *error)
{
    for (size_t i = 0; i < ARRAY_COUNT(DUTIES); i++) {
        int64_t now_us = clock_monotonic_us(lead->clock);
        if (now_us < duties->due_us[i]) {
            continue;
        }
        duties->due_us[i] = now_us + DUTIES[i].period_seconds * MICROSECONDS_PER_SECOND;
        *error = (Error){0};
        if (DUTIES[i].run(duties, lead, error)) {
            continue;
        }
        if (!lead->held || PQstatus(lead->connection) != CONNECTION_OK) {
            return false;
        }
        log_error(LOG_ERROR, EVENT_LEADER_DUTY_FAILED, error);
    }
    return true;
}

static int64_t number_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static bool take_back_leases(Duties *duties, Lead *lead, Error *error)
{
    enum { LEASES, RETURNED_ITEMS };
    char attempts[NUMBER_BYTES];
    snprintf(attempts, sizeof attempts, "%u", duties->options.attempts_max);
    const char *const values[] = {attempts};
    AUTO_RESULT *result = NULL;
    if (!lead_query(lead, SQL_EXPIRE_LEASES, values, 1, &result, error)) {
        return false;
    }
    int64_t leases = number_at(result, 0, LEASES);
    int64_t returned = number_at(result, 0, RETURNED_ITEMS);
    if (leases > 0) {
        metric_add(METRIC_LEASES_EXPIRED, 0, leases);
        metric_add(METRIC_ITEMS_RETURNED, 0, returned);
        log_event(LOG_WARNING, EVENT_LEASE_EXPIRED, LOG_NUMBER("leases", leases),
                  LOG_NUMBER("returned_items", returned));
    }
    return true;
}

/* Lets in what arrived late, and says how many items of a run may be in work. */
static bool tend_queue(Duties *duties, Lead *lead, Error *error)
{
    char size[NUMBER_BYTES];
    snprintf(size, sizeof size, "%u", duties->options.batch_size);
    const char *const values[] = {size};
    AUTO_RESULT *result = NULL;
    return lead_query(lead, SQL_TEND_QUEUE, values, 1, &result, error);
}

/* Nobody else sees it: for their owners such items wait like all others. */
static bool tell_of_unrunnable(Duties *duties, Lead *lead, Error *error)
{
    (void)duties;
    enum { APPLICATION_ID, VERSION_NUMBER, CPUS, MEMORY_BYTES, GPUS, WAITING_COUNT };
    AUTO_RESULT *result = NULL;
    if (!lead_query(lead, SQL_LIST_UNRUNNABLE_VERSIONS, NULL, 0, &result, error)) {
        return false;
    }
    for (int row = 0; row < PQntuples(result); row++) {
        log_event(LOG_WARNING, EVENT_ITEMS_UNRUNNABLE,
                  LOG_STRING("application_id", PQgetvalue(result, row, APPLICATION_ID)),
                  LOG_STRING("version_number", PQgetvalue(result, row, VERSION_NUMBER)),
                  LOG_NUMBER("cpus", number_at(result, row, CPUS)),
                  LOG_NUMBER("memory_bytes", number_at(result, row, MEMORY_BYTES)),
                  LOG_NUMBER("gpus", number_at(result, row, GPUS)),
                  LOG_NUMBER("waiting_items", number_at(result, row, WAITING_COUNT)));
    }
    return true;
}

/* The items that ended free their places in the quotas; one organisation a call. */
static bool apply_releases(Duties *duties, Lead *lead, Error *error)
{
    (void)duties;
    AUTO_RESULT *released = NULL;
    if (!lead_query(lead, SQL_LIST_RELEASED_ORGANIZATIONS, NULL, 0, &released, error)) {
        return false;
    }
    for (int row = 0; row < PQntuples(released); row++) {
        const char *const values[] = {PQgetvalue(released, row, 0)};
        AUTO_RESULT *applied = NULL;
        if (!lead_query(lead, SQL_APPLY_RELEASES, values, 1, &applied, error)) {
            return false;
        }
    }
    return true;
}

static bool refresh_positions(Duties *duties, Lead *lead, Error *error)
{
    return lead_keep(lead, error) &&
           positions_refresh(lead->connection, duties->options.batch_size, error);
}

static bool forget_positions(Duties *duties, Lead *lead, Error *error)
{
    (void)duties;
    return lead_keep(lead, error) && positions_forget(lead->connection, error);
}

/* One run a call. */
static bool close_overdue_runs(Duties *duties, Lead *lead, Error *error)
{
    (void)duties;
    enum { RUN_ID, CANCELLED };
    for (int call = 0; call < CALLS_A_ROUND_MAX; call++) {
        AUTO_RESULT *result = NULL;
        if (!lead_query(lead, SQL_CLOSE_OVERDUE_RUN, NULL, 0, &result, error)) {
            return false;
        }
        if (PQgetisnull(result, 0, RUN_ID)) {
            return true;
        }
        if (*PQgetvalue(result, 0, CANCELLED) == 't') {
            log_event(LOG_INFO, EVENT_RUN_OVERDUE,
                      LOG_STRING("run_id", PQgetvalue(result, 0, RUN_ID)));
        }
    }
    return true;
}

/* One run a call. */
static bool delete_outdated_runs(Duties *duties, Lead *lead, Error *error)
{
    char days[NUMBER_BYTES];
    snprintf(days, sizeof days, "%u", duties->options.retention_days);
    const char *const values[] = {days};
    for (int call = 0; call < CALLS_A_ROUND_MAX; call++) {
        AUTO_RESULT *result = NULL;
        if (!lead_query(lead, SQL_DELETE_OUTDATED_RUN, values, 1, &result, error)) {
            return false;
        }
        if (PQgetisnull(result, 0, 0)) {
            return true;
        }
        log_event(LOG_INFO, EVENT_RUN_OUTDATED, LOG_STRING("run_id", PQgetvalue(result, 0, 0)));
    }
    return true;
}

/* A piece a call; multipart uploads that nobody ended go after a week. */
static bool expire_bucket_objects(Duties *duties, Lead *lead, Error *error)
{
    char object_days[NUMBER_BYTES];
    char open_days[NUMBER_BYTES];
    snprintf(object_days, sizeof object_days, "%u", duties->options.upload_days);
    snprintf(open_days, sizeof open_days, "%d", OPEN_UPLOAD_DAYS);
    const char *const values[] = {duties->options.upload_days == 0 ? NULL : object_days, open_days};
    int64_t gone = 0;
    for (int call = 0; call < CALLS_A_ROUND_MAX; call++) {
        AUTO_RESULT *result = NULL;
        if (!lead_query(lead, SQL_EXPIRE_BUCKET_OBJECTS, values, 2, &result, error)) {
            return false;
        }
        gone += number_at(result, 0, 0);
        if (number_at(result, 0, 0) == 0) {
            break;
        }
    }
    if (gone > 0) {
        log_event(LOG_INFO, EVENT_BUCKET_OBJECTS_EXPIRED, LOG_NUMBER("objects", gone));
    }
    return true;
}

static bool remove_losers(Duties *duties, Lead *lead, Error *error)
{
    return removal_of_losers(lead, duties->options.store, error);
}

static bool remove_deleted(Duties *duties, Lead *lead, Error *error)
{
    return removal_of_deleted(lead, duties->options.store, error);
}

static bool remove_bucket_files(Duties *duties, Lead *lead, Error *error)
{
    return removal_of_bucket_files(lead, duties->options.store, error);
}

static bool remove_refused(Duties *duties, Lead *lead, Error *error)
{
    return removal_of_refused(lead, duties->options.store, error);
}

static bool sweep_uploads(Duties *duties, Lead *lead, Error *error)
{
    int64_t before_us = clock_now_us(lead->clock) - ABANDONED_SECONDS * MICROSECONDS_PER_SECOND;
    return objectstore_sweep_uploads(duties->options.store, before_us, error);
}

static bool sweep_objects(Duties *duties, Lead *lead, Error *error)
{
    return sweep_walk_objects(duties->sweep, lead, error);
}

static bool sweep_artifacts(Duties *duties, Lead *lead, Error *error)
{
    return sweep_walk_artifacts(duties->sweep, lead, error);
}
