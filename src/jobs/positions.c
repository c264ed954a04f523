/* SPDX-License-Identifier: Apache-2.0 */
/* The leader's rows of queue positions; see positions.h. */
#include "jobs/positions.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "db/array.h"
#include "db/connection.h"
#include "jobs/foresight.h"
#include "jobs_sql.h"

enum { KEPT_PERCENT = 3, CURVE_BYTES = QUEUE_CURVE_TEXT_BYTES_MAX };

static bool query(PGconn *connection,
                  const char *sql,
                  const char *const *values,
                  int count,
                  PGresult **result_out,
                  Error *error)
{
    return connection_run(connection, sql, values, count, result_out, error) ||
           error_context(error, "the queue positions");
}

static int64_t number_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* What the database knows of the queue; the texts stay in the results. */
typedef struct Queue {
    Snapshot snapshot;
    PGresult *runs;
    PGresult *organizations;
} Queue;

static void queue_clear(Queue *queue)
{
    PQclear(queue->runs);
    PQclear(queue->organizations);
    alloc_free(queue->snapshot.runs);
    alloc_free(queue->snapshot.organizations);
}

#define AUTO_QUEUE CLEANUP(queue_clear) Queue

/* The columns of list_waiting_runs.sql. */
enum { ORGANIZATION_ID, RUN_ID, DUE_US, SUBMITTED_US, PENDING_COUNT, PROCESSING_COUNT, CURVE };

static bool read_run(const PGresult *result, int row, int organization, SnapshotRun *run)
{
    *run = (SnapshotRun){
        .key = {.due_us = PQgetisnull(result, row, DUE_US) ? FAIR_NEVER_DUE
                                                           : number_at(result, row, DUE_US),
                .submitted_us = number_at(result, row, SUBMITTED_US)},
        .organization = organization,
        .waiting = (int)number_at(result, row, PENDING_COUNT),
        .in_work = (int)number_at(result, row, PROCESSING_COUNT),
    };
    return uuid_parse(text_of(PQgetvalue(result, row, RUN_ID)), &run->key.run_id);
}

/* Runs stand organisation by organisation. */
static bool load_runs(PGconn *connection, Queue *queue, Error *error)
{
    if (!query(connection, SQL_LIST_WAITING_RUNS, NULL, 0, &queue->runs, error)) {
        return false;
    }
    Snapshot *snapshot = &queue->snapshot;
    int count = PQntuples(queue->runs);
    snapshot->runs = alloc_zeroed((size_t)count + 1, sizeof *snapshot->runs);
    snapshot->organizations = alloc_zeroed((size_t)count + 1, sizeof *snapshot->organizations);
    for (int row = 0; row < count; row++) {
        const char *id = PQgetvalue(queue->runs, row, ORGANIZATION_ID);
        int last = snapshot->organization_count - 1;
        if (last < 0 || strcmp(snapshot->organizations[last].organization_id, id) != 0) {
            snapshot->organizations[++last].organization_id = id;
            snapshot->organization_count++;
        }
        if (!read_run(queue->runs, row, last, &snapshot->runs[row])) {
            return error_set(error, ERROR_INTERNAL, "the queue holds no UUID");
        }
    }
    snapshot->run_count = count;
    return true;
}

static bool load_organizations(PGconn *connection, Queue *queue, Error *error)
{
    enum { ID, WEIGHT, VIRTUAL_TIME };
    Snapshot *snapshot = &queue->snapshot;
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_ARRAY ids;
    array_init(&ids, QUEUE_ARRAY_BYTES_MAX);
    for (int i = 0; i < snapshot->organization_count; i++) {
        array_add_string(&ids, snapshot->organizations[i].organization_id);
    }
    const char *const values[] = {array_take(&ids, &arena)};
    if (values[0] == NULL) {
        return error_set(error, ERROR_INTERNAL, "the queue is too long");
    }
    if (!query(connection, SQL_LIST_QUEUED_ORGANIZATIONS, values, 1, &queue->organizations,
               error)) {
        return false;
    }
    if (PQntuples(queue->organizations) != snapshot->organization_count) {
        return error_set(error, ERROR_INTERNAL, "an organisation of the queue is missing");
    }
    for (int i = 0; i < snapshot->organization_count; i++) {
        snapshot->organizations[i].weight = (int)number_at(queue->organizations, i, WEIGHT);
        snapshot->organizations[i].virtual_time = number_at(queue->organizations, i, VIRTUAL_TIME);
    }
    return true;
}

static bool load_facts(PGconn *connection, Snapshot *snapshot, Error *error)
{
    enum { VIRTUAL_TIME, SLOT_COUNT, TAKEN_COUNT };
    AUTO_RESULT *result = NULL;
    if (!query(connection, SQL_GET_QUEUE_FACTS, NULL, 0, &result, error)) {
        return false;
    }
    snapshot->virtual_time = number_at(result, 0, VIRTUAL_TIME);
    snapshot->slots = (int)number_at(result, 0, SLOT_COUNT);
    int others = (int)number_at(result, 0, TAKEN_COUNT);
    for (int i = 0; i < snapshot->run_count; i++) {
        others -= snapshot->runs[i].in_work;
    }
    /* Read a moment later than the runs: it may be less than theirs. */
    snapshot->other_in_work = others > 0 ? others : 0;
    return true;
}

static bool is_near(int stored, int now)
{
    int64_t difference = labs((long)stored - now);
    return difference * 100 <= (int64_t)KEPT_PERCENT * now;
}

static bool is_near_at(const QueueCurve *stored, const QueueCurve *now, int place)
{
    QueueKnot left = queue_curve_at(stored, place);
    QueueKnot right = queue_curve_at(now, place);
    return is_near(left.organization, right.organization) && is_near(left.platform, right.platform);
}

/* Both are straight between their knots, so they are as near everywhere as at these. */
static bool curves_are_near(const QueueCurve *stored, const QueueCurve *now, int waiting)
{
    bool near = is_near_at(stored, now, waiting - 1);
    for (int i = 0; near && i < now->count; i++) {
        near = is_near_at(stored, now, now->knots[i].place);
    }
    for (int i = 0; near && i < stored->count && stored->knots[i].place < waiting; i++) {
        near = is_near_at(stored, now, stored->knots[i].place);
    }
    return near;
}

static bool store_positions(PGconn *connection, const Queue *queue, Error *error)
{
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_ARRAY ids;
    array_init(&ids, QUEUE_ARRAY_BYTES_MAX);
    AUTO_ARRAY curves;
    array_init(&curves, QUEUE_ARRAY_BYTES_MAX);
    AUTO_BUFFER text;
    buffer_init(&text, CURVE_BYTES);
    for (int i = 0; i < queue->snapshot.run_count && ids.count < POSITIONS_WRITTEN_MAX; i++) {
        const SnapshotRun *run = &queue->snapshot.runs[i];
        QueueCurve stored;
        if (queue_curve_parse(PQgetvalue(queue->runs, i, CURVE), &stored) &&
            curves_are_near(&stored, &run->curve, run->waiting)) {
            continue;
        }
        buffer_reset(&text);
        queue_curve_write(&run->curve, &text);
        array_add_string(&ids, run->key.run_id.text);
        array_add(&curves, buffer_view(&text));
    }
    if (ids.count == 0) {
        return true;
    }
    const char *const values[] = {array_take(&ids, &arena), array_take(&curves, &arena)};
    AUTO_RESULT *result = NULL;
    return query(connection, SQL_STORE_QUEUE_POSITIONS, values, ARRAY_COUNT(values), &result,
                 error);
}

static bool store_tails(PGconn *connection, const Queue *queue, Error *error)
{
    enum { ORGANIZATION_ITEMS = 3, PLATFORM_ITEMS };
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_ARRAY ids;
    array_init(&ids, QUEUE_ARRAY_BYTES_MAX);
    AUTO_ARRAY own;
    array_init(&own, QUEUE_ARRAY_BYTES_MAX);
    AUTO_ARRAY all;
    array_init(&all, QUEUE_ARRAY_BYTES_MAX);
    for (int i = 0; i < queue->snapshot.organization_count && ids.count < POSITIONS_WRITTEN_MAX;
         i++) {
        const SnapshotOrganization *organization = &queue->snapshot.organizations[i];
        if (!PQgetisnull(queue->organizations, i, ORGANIZATION_ITEMS) &&
            is_near((int)number_at(queue->organizations, i, ORGANIZATION_ITEMS),
                    organization->waiting) &&
            is_near((int)number_at(queue->organizations, i, PLATFORM_ITEMS), organization->tail)) {
            continue;
        }
        array_add_string(&ids, organization->organization_id);
        array_add_number(&own, organization->waiting);
        array_add_number(&all, organization->tail);
    }
    if (ids.count == 0) {
        return true;
    }
    const char *const values[] = {array_take(&ids, &arena), array_take(&own, &arena),
                                  array_take(&all, &arena)};
    AUTO_RESULT *result = NULL;
    return query(connection, SQL_STORE_QUEUE_TAILS, values, ARRAY_COUNT(values), &result, error);
}

bool positions_refresh(PGconn *connection, unsigned batch_size, Error *error)
{
    AUTO_QUEUE queue = {.snapshot = {.batch_max = (int)batch_size}};
    if (!load_runs(connection, &queue, error)) {
        return false;
    }
    if (queue.snapshot.run_count == 0) {
        return true;
    }
    if (!load_organizations(connection, &queue, error) ||
        !load_facts(connection, &queue.snapshot, error)) {
        return false;
    }
    foresee(&queue.snapshot, FORESIGHT_EXACT_ITEMS);
    return store_positions(connection, &queue, error) && store_tails(connection, &queue, error);
}

bool positions_forget(PGconn *connection, Error *error)
{
    AUTO_RESULT *result = NULL;
    return query(connection, SQL_FORGET_QUEUE_POSITIONS, NULL, 0, &result, error);
}
