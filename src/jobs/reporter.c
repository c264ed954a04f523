/* SPDX-License-Identifier: Apache-2.0 */
/* Reports over shared connections; see reporter.h. */
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

struct Reporter {
    ReporterOptions options;
    struct {
        pthread_mutex_t mutex;
        unsigned count;
        IdleConnection connections[IDLE_CONNECTIONS_MAX];
    } idle; /* what was reported over, for the next report */
};

Reporter *reporter_create(const ReporterOptions *options)
{
    Reporter *reporter = ALLOC_NEW(Reporter);
    reporter->options = *options;
    pthread_mutex_init(&reporter->idle.mutex, NULL);
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
bool reporter_finish(Reporter *reporter,
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

bool reporter_confirm(Reporter *reporter, const Uuid *attempt_id, bool *running_out, Error *error)
{
    AUTO_CONNECTION *connection = NULL;
    if (!acquire_connection(reporter, &connection, error) ||
        !queue_confirm(connection, attempt_id, running_out, error)) {
        return false;
    }
    release_connection(reporter, TAKE(connection));
    return true;
}
