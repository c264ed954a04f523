/* SPDX-License-Identifier: Apache-2.0 */
/* Reports over shared connections, together where they can; see reporter.h. */
#include "jobs/reporter.h"

#include <poll.h>
#include <pthread.h>

#include "base/alloc.h"

/* Few, as PostgreSQL has room for few; not for long, as routers forget silent connections. */
enum { IDLE_CONNECTIONS_MAX = 4, IDLE_US_MAX = 60 * 1000 * 1000 };

typedef struct IdleConnection {
    PGconn *connection;
    int64_t since_us;
} IdleConnection;

/* A result that waits to be committed; it lives in the thread that waits for it. */
typedef struct Entry {
    Success success;
    bool decided;
    struct Entry *next;
} Entry;

struct Reporter {
    ReporterOptions options;
    struct {
        pthread_mutex_t mutex;
        unsigned count;
        IdleConnection connections[IDLE_CONNECTIONS_MAX];
    } idle; /* what was reported over, for the next report */
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        Entry *first; /* the one that came last */
        bool busy;    /* one of the threads commits for others too */
    } gathered;
};

Reporter *reporter_create(const ReporterOptions *options)
{
    Reporter *reporter = ALLOC_NEW(Reporter);
    reporter->options = *options;
    pthread_mutex_init(&reporter->idle.mutex, NULL);
    pthread_mutex_init(&reporter->gathered.mutex, NULL);
    pthread_cond_init(&reporter->gathered.changed, NULL);
    return reporter;
}

void reporter_destroy(Reporter *reporter)
{
    if (reporter == NULL) {
        return;
    }
    for (unsigned i = 0; i < reporter->idle.count; i++) {
        PQfinish(reporter->idle.connections[i].connection);
    }
    pthread_mutex_destroy(&reporter->idle.mutex);
    pthread_mutex_destroy(&reporter->gathered.mutex);
    pthread_cond_destroy(&reporter->gathered.changed);
    alloc_free(reporter);
}

/* The last one used; its connection is NULL when there is none. */
static IdleConnection take_idle(Reporter *reporter)
{
    IdleConnection idle = {.connection = NULL};
    pthread_mutex_lock(&reporter->idle.mutex);
    if (reporter->idle.count > 0) {
        idle = reporter->idle.connections[--reporter->idle.count];
    }
    pthread_mutex_unlock(&reporter->idle.mutex);
    return idle;
}

/* An idle connection has nothing to say but that it ends. */
static bool is_usable(const Reporter *reporter, const IdleConnection *idle)
{
    struct pollfd event = {.fd = PQsocket(idle->connection), .events = POLLIN};
    return clock_monotonic_us(reporter->options.clock) - idle->since_us < IDLE_US_MAX &&
           poll(&event, 1, 0) == 0;
}

static bool acquire_connection(Reporter *reporter, PGconn **connection_out, Error *error)
{
    IdleConnection idle = take_idle(reporter);
    for (; idle.connection != NULL; idle = take_idle(reporter)) {
        if (is_usable(reporter, &idle)) {
            *connection_out = idle.connection;
            return true;
        }
        PQfinish(idle.connection);
    }
    return connection_open(&reporter->options.database, connection_out, error);
}

static void release_connection(Reporter *reporter, PGconn *connection)
{
    const IdleConnection idle = {connection, clock_monotonic_us(reporter->options.clock)};
    pthread_mutex_lock(&reporter->idle.mutex);
    bool kept = reporter->idle.count < IDLE_CONNECTIONS_MAX;
    if (kept) {
        reporter->idle.connections[reporter->idle.count++] = idle;
    }
    pthread_mutex_unlock(&reporter->idle.mutex);
    if (!kept) {
        PQfinish(connection);
    }
}

/* A connection over which it failed is not used again. */
static bool finish_alone(Reporter *reporter,
                         const Uuid *attempt_id,
                         const JobReport *report,
                         FinishResult *result_out,
                         Error *error)
{
    AUTO_CONNECTION *connection = NULL;
    if (!acquire_connection(reporter, &connection, error) ||
        !queue_finish(connection, attempt_id, report, reporter->options.attempts_max, result_out,
                      error)) {
        return false;
    }
    release_connection(reporter, TAKE(connection));
    return true;
}

/* What cannot be committed together its threads report alone, and there find out why. */
static void commit(Reporter *reporter, Entry *first)
{
    Success *successes[SUCCESSES_MAX];
    int count = 0;
    for (Entry *entry = first; entry != NULL; entry = entry->next) {
        successes[count++] = &entry->success;
    }
    AUTO_CONNECTION *connection = NULL;
    Error ignored = {0};
    if (acquire_connection(reporter, &connection, &ignored) &&
        queue_succeed(connection, successes, count, &ignored)) {
        release_connection(reporter, TAKE(connection));
    }
}

/* Those that came first stay when there are too many. */
static Entry *take_gathered(Reporter *reporter)
{
    Entry *taken = reporter->gathered.first;
    Entry *last = taken;
    for (int count = 1; count < SUCCESSES_MAX && last->next != NULL; count++) {
        last = last->next;
    }
    reporter->gathered.first = last->next;
    last->next = NULL;
    return taken;
}

/* False: the result did not get in with the others. The first thread that finds nobody at it
 * commits what has gathered, for all. */
static bool commit_together(Reporter *reporter, Entry *entry)
{
    pthread_mutex_lock(&reporter->gathered.mutex);
    entry->next = reporter->gathered.first;
    reporter->gathered.first = entry;
    while (!entry->decided) {
        if (reporter->gathered.busy) {
            pthread_cond_wait(&reporter->gathered.changed, &reporter->gathered.mutex);
            continue;
        }
        reporter->gathered.busy = true;
        Entry *taken = take_gathered(reporter);
        pthread_mutex_unlock(&reporter->gathered.mutex);
        commit(reporter, taken);
        pthread_mutex_lock(&reporter->gathered.mutex);
        while (taken != NULL) {
            Entry *next = taken->next;
            taken->decided = true;
            taken = next;
        }
        reporter->gathered.busy = false;
        pthread_cond_broadcast(&reporter->gathered.changed);
    }
    pthread_mutex_unlock(&reporter->gathered.mutex);
    return entry->success.committed;
}

bool reporter_finish(Reporter *reporter,
                     const Uuid *attempt_id,
                     const JobReport *report,
                     FinishResult *result_out,
                     Error *error)
{
    Entry entry = {.success = {.attempt_id = attempt_id, .report = report}};
    if (report->outcome == JOB_SUCCEEDED && commit_together(reporter, &entry)) {
        *result_out = FINISH_COMMITTED;
        return true;
    }
    return finish_alone(reporter, attempt_id, report, result_out, error);
}
