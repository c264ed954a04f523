/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's loop; see worker.h. */
#include "jobs/worker.h"

#include <assert.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "jobs/leader.h"
#include "jobs/queue.h"
#include "jobs/turnover.h"
#include "jobs_sql.h"

static_assert((int)SLOTS_MAX <= (int)CLAIM_ITEMS_MAX, "a claim may fill all slots");

enum {
    POLL_US = 1000 * 1000,           /* the longest time without asking for work */
    RECONNECT_FIRST_US = 100 * 1000, /* doubled up to … */
    RECONNECT_MAX_US = 5 * 1000 * 1000,
    HEARTBEATS_A_LEASE = 4,
    DRAIN_STOP_SECONDS = 15 /* after this a slot that does not stop is left to the lease */
};

typedef struct Worker {
    const WorkerOptions *options;
    WorkerIdentity identity;
    Slots *slots;
    PGconn *connection; /* NULL: the database is away */
    int wake_fd;
    bool registered;
    bool draining; /* no more items are taken */
    int64_t heartbeat_due_us;
    int64_t lease_until_us; /* by our own clock; after it the items are no longer ours */
    int64_t reconnect_due_us;
    int64_t reconnect_wait_us;
} Worker;

bool worker_is_well(const WorkerHealth *health, const Clock *clock)
{
    return clock_monotonic_us(clock) < atomic_load(&health->lease_until_us);
}

static int64_t now_us(const Worker *worker)
{
    return clock_monotonic_us(worker->options->clock);
}

static void database_is_away(Worker *worker, const Error *error)
{
    log_error(LOG_WARNING, EVENT_DATABASE_AWAY, error);
    metric_add(METRIC_DATABASE_FAILURES, 0, 1);
    PQfinish(worker->connection);
    worker->connection = NULL;
    worker->reconnect_due_us = now_us(worker) + worker->reconnect_wait_us;
    worker->reconnect_wait_us = worker->reconnect_wait_us * 2 < RECONNECT_MAX_US
                                    ? worker->reconnect_wait_us * 2
                                    : RECONNECT_MAX_US;
}

static bool listen_for_work(PGconn *connection, Error *error)
{
    AUTO_RESULT *result = PQexec(connection, SQL_LISTEN);
    return PQresultStatus(result) == PGRES_COMMAND_OK ||
           connection_error(connection, "cannot listen for work", error);
}

static void extend_lease(Worker *worker, int64_t asked_at_us)
{
    int64_t lease_us = (int64_t)worker->options->lease_seconds * MICROSECONDS_PER_SECOND;
    worker->lease_until_us = asked_at_us + lease_us;
    atomic_store(&worker->options->health->lease_until_us, worker->lease_until_us);
    worker->heartbeat_due_us = asked_at_us + lease_us / HEARTBEATS_A_LEASE;
}

static bool register_worker(Worker *worker, Error *error)
{
    worker->identity.worker_id = uuid_create(worker->options->clock);
    int64_t asked_at_us = now_us(worker);
    int returned = 0;
    if (!queue_register(worker->connection, &worker->identity, &returned, error)) {
        return false;
    }
    worker->registered = true;
    extend_lease(worker, asked_at_us);
    log_event(LOG_INFO, EVENT_WORKER_REGISTERED,
              LOG_STRING("worker_id", worker->identity.worker_id.text),
              LOG_STRING("name", worker->identity.name), LOG_NUMBER("returned_items", returned));
    return true;
}

/* Connects when it is due; a worker that still has its lease goes on under its old id. */
static void connect_when_due(Worker *worker)
{
    Error error = {0};
    if (worker->connection != NULL || now_us(worker) < worker->reconnect_due_us) {
        return;
    }
    if (!connection_open(&worker->options->database, &worker->connection, &error) ||
        !listen_for_work(worker->connection, &error) ||
        !queue_prepare(worker->connection, &error) ||
        (!worker->registered && !register_worker(worker, &error))) {
        database_is_away(worker, &error);
        return;
    }
    worker->heartbeat_due_us =
        worker->reconnect_wait_us > RECONNECT_FIRST_US ? now_us(worker) : worker->heartbeat_due_us;
    worker->reconnect_wait_us = RECONNECT_FIRST_US;
}

static void stop_cancelled(Worker *worker, const char *attempt_ids)
{
    Text rest = text_of(attempt_ids);
    while (rest.length > 0) {
        slots_stop_attempt(worker->slots, text_split(&rest, ','));
    }
}

/* The lease is gone: whatever still runs belongs to others now. */
static void lose_lease(Worker *worker)
{
    if (worker->registered) {
        log_event(LOG_ERROR, EVENT_WORKER_LEASE_LOST,
                  LOG_STRING("worker_id", worker->identity.worker_id.text));
        metric_add(METRIC_LEASES_LOST, 0, 1);
        atomic_store(&worker->options->health->lease_until_us, 0);
        slots_stop_all(worker->slots, SLOT_CANCELLED);
        worker->registered = false;
    }
}

/* A claim whose answer was lost has given this worker items that it does not know of, and its
 * living lease would keep them for ever. */
static bool hand_back_unknown(Worker *worker, Error *error)
{
    AttemptIds known = {.count = slots_list_attempts(worker->slots, known.ids)};
    int returned = 0;
    if (!queue_hand_back_unknown(worker->connection, &worker->identity, &known, &returned, error)) {
        return false;
    }
    if (returned > 0) {
        log_event(LOG_WARNING, EVENT_WORKER_HANDED_BACK_UNKNOWN,
                  LOG_STRING("worker_id", worker->identity.worker_id.text),
                  LOG_NUMBER("returned_items", returned));
    }
    return true;
}

static bool beat(Worker *worker, Error *error)
{
    int64_t asked_at_us = now_us(worker);
    Heartbeat heartbeat = {.alive = false};
    if (!queue_heartbeat(worker->connection, &worker->identity, worker->draining, &heartbeat,
                         error)) {
        return false;
    }
    AUTO_FREE char *cancelled = heartbeat.cancelled_attempts;
    stop_cancelled(worker, cancelled);
    if (heartbeat.alive) {
        extend_lease(worker, asked_at_us);
        return hand_back_unknown(worker, error);
    }
    lose_lease(worker);
    return register_worker(worker, error);
}

/* A claim may give less than there is, so it asks until a slot is wanted by none. */
static bool turnover(Worker *worker, Error *error)
{
    const Turnover turnover = {.clock = worker->options->clock,
                               .slots = worker->slots,
                               .connection = worker->connection,
                               .worker = &worker->identity,
                               .claim_max = worker->draining ? 0 : SLOTS_MAX};
    TurnoverOutcome outcome = {.claimed_count = 1};
    for (int round = 0; round < SLOTS_MAX && outcome.claimed_count > 0; round++) {
        if (!turnover_run(&turnover, &outcome, error)) {
            return false;
        }
        if (outcome.left_over) {
            worker->heartbeat_due_us = now_us(worker);
        }
    }
    return true;
}

/* Reads what arrived; a cancellation makes the next heartbeat due at once. */
static bool take_notifications(Worker *worker, Error *error)
{
    if (PQconsumeInput(worker->connection) != 1) {
        return connection_error(worker->connection, "the database went away", error);
    }
    for (PGnotify *notify = PQnotifies(worker->connection); notify != NULL;
         notify = PQnotifies(worker->connection)) {
        if (strcmp(notify->relname, "slideway_cancel") == 0) {
            worker->heartbeat_due_us = now_us(worker);
        }
        PQfreemem(notify);
    }
    return true;
}

static bool turn(Worker *worker, Error *error)
{
    if (!take_notifications(worker, error)) {
        return false;
    }
    if (now_us(worker) >= worker->heartbeat_due_us && !beat(worker, error)) {
        return false;
    }
    return turnover(worker, error);
}

/* Connects, beats, commits, claims: whatever is due. */
static void serve(Worker *worker)
{
    connect_when_due(worker);
    Error error = {0};
    if (worker->connection != NULL && !turn(worker, &error)) {
        database_is_away(worker, &error);
    }
    if (worker->connection == NULL) {
        turnover_refuse(worker->slots);
    }
    if (now_us(worker) > worker->lease_until_us) {
        lose_lease(worker);
    }
}

/* Waits for a notification, a free slot, the stop, or the next second; true: leave. A worker that
 * drains knows of the stop. */
static bool wait_for_event(Worker *worker)
{
    struct pollfd events[] = {
        {.fd = worker->draining ? -1 : worker->options->stop_fd, .events = POLLIN},
        {.fd = worker->wake_fd, .events = POLLIN},
        {.fd = worker->connection == NULL ? -1 : PQsocket(worker->connection), .events = POLLIN},
    };
    int64_t wait_us = POLL_US;
    int64_t due_us =
        worker->connection == NULL ? worker->reconnect_due_us : worker->heartbeat_due_us;
    int64_t until_due_us = due_us - now_us(worker);
    wait_us = until_due_us < wait_us ? until_due_us : wait_us;
    poll(events, ARRAY_COUNT(events),
         wait_us <= 0 ? 0 : (int)(wait_us / MICROSECONDS_PER_MILLISECOND) + 1);
    if (events[1].revents != 0) {
        uint64_t count = 0;
        ssize_t ignored = read(worker->wake_fd, &count, sizeof count);
        (void)ignored;
    }
    return events[0].revents != 0;
}

static bool all_free_within(Worker *worker, int64_t seconds)
{
    int64_t until_us = now_us(worker) + seconds * MICROSECONDS_PER_SECOND;
    while (slots_count(worker->slots).free < worker->options->slot_count) {
        if (now_us(worker) >= until_us) {
            return false;
        }
        serve(worker);
        wait_for_event(worker);
    }
    return true;
}

/* Lets running items finish for a while, then hands them back; the lease lives on meanwhile, and
 * cancelled items are stopped. False: a slot hangs. */
static bool drain(Worker *worker)
{
    log_event(LOG_INFO, EVENT_WORKER_DRAINING, LOG_STRING("name", worker->identity.name));
    worker->draining = true;
    worker->heartbeat_due_us = now_us(worker);
    if (all_free_within(worker, worker->options->drain_seconds)) {
        return true;
    }
    slots_stop_all(worker->slots, SLOT_DRAINED);
    return all_free_within(worker, DRAIN_STOP_SECONDS);
}

/* Nobody need wait for the end of the lease. */
static void leave(Worker *worker)
{
    Error error = {0};
    int returned = 0;
    if (worker->connection != NULL && worker->registered &&
        !queue_leave(worker->connection, &worker->identity, &returned, &error)) {
        log_error(LOG_WARNING, EVENT_DATABASE_AWAY, &error);
    }
    PQfinish(worker->connection);
}

static void loop(Worker *worker)
{
    do {
        serve(worker);
    } while (!wait_for_event(worker));
}

static bool start_leader(const WorkerOptions *options, Leader **leader_out, Error *error)
{
    const LeaderOptions leader = {.clock = options->clock,
                                  .database = options->database,
                                  .worker_name = options->name,
                                  .store = options->attempt.stage.store,
                                  .attempts_max = options->attempts_max,
                                  .batch_size = options->batch_size,
                                  .retention_days = options->retention_days,
                                  .upload_days = options->upload_days,
                                  .sweep_seconds = options->sweep_seconds};
    return leader_start(&leader, leader_out, error);
}

bool worker_run(const WorkerOptions *options, Error *error)
{
    AUTO_FD wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Worker worker = {.options = options,
                     .identity = {.name = options->name,
                                  .slots = options->slot_count,
                                  .labels = options->labels,
                                  .lease_seconds = options->lease_seconds,
                                  .attempts_max = options->attempts_max},
                     .wake_fd = wake_fd,
                     .reconnect_wait_us = RECONNECT_FIRST_US};
    const SlotsOptions slots = {.clock = options->clock,
                                .process = attempt_process,
                                .database = options->database,
                                .attempt = options->attempt,
                                .scratch_folder = options->scratch_folder,
                                .count = options->slot_count,
                                .attempts_max = options->attempts_max,
                                .wake_fd = wake_fd};
    Leader *leader = NULL;
    if (!slots_create(&slots, &worker.slots, error)) {
        return false;
    }
    /* Before it may lead: a leader that does not know it would warn of items that it can do. */
    connect_when_due(&worker);
    if (!start_leader(options, &leader, error)) {
        leave(&worker);
        slots_destroy(worker.slots);
        return false;
    }
    loop(&worker);
    leader_let_go(leader);
    bool drained = drain(&worker);
    leave(&worker);
    leader_stop(leader);
    if (!drained) {
        return error_set(error, ERROR_INTERNAL,
                         "a slot did not stop; its lease will end by itself");
    }
    slots_destroy(worker.slots);
    return true;
}
