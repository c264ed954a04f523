/* SPDX-License-Identifier: Apache-2.0 */
/* Shared connections; see bucket_database.h. */
#include "buckets/bucket_database.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "base/alloc.h"

/* Many threads share few connections: above about that many PostgreSQL only gets slower. */
enum { CONNECTIONS_MAX = 4, TURN_SECONDS_MAX = 20 };
#define IDLE_US_MAX (60 * MICROSECONDS_PER_SECOND)

typedef struct IdleConnection {
    PGconn *connection;
    int64_t since_us;
} IdleConnection;

struct BucketDatabase {
    ConnectionProfile profile;
    const Clock *clock;
    pthread_mutex_t mutex;
    pthread_cond_t released;
    struct {
        unsigned in_use;
        unsigned idle_count;
        IdleConnection idle[CONNECTIONS_MAX];
    } locked;
};

BucketDatabase *bucket_database_create(const ConnectionProfile *profile, const Clock *clock)
{
    BucketDatabase *database = ALLOC_NEW(BucketDatabase);
    database->profile = *profile;
    database->clock = clock;
    pthread_mutex_init(&database->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&database->released, &attributes);
    pthread_condattr_destroy(&attributes);
    return database;
}

void bucket_database_destroy(BucketDatabase *database)
{
    if (database == NULL) {
        return;
    }
    for (unsigned i = 0; i < database->locked.idle_count; i++) {
        PQfinish(database->locked.idle[i].connection);
    }
    pthread_cond_destroy(&database->released);
    pthread_mutex_destroy(&database->mutex);
    alloc_free(database);
}

/* False: the others took too long. */
static bool take_turn(BucketDatabase *database)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TURN_SECONDS_MAX;
    int waited = 0;
    pthread_mutex_lock(&database->mutex);
    while (database->locked.in_use == CONNECTIONS_MAX && waited == 0) {
        waited = pthread_cond_timedwait(&database->released, &database->mutex, &until);
    }
    bool taken = database->locked.in_use < CONNECTIONS_MAX;
    database->locked.in_use += taken ? 1 : 0;
    pthread_mutex_unlock(&database->mutex);
    return taken;
}

static void end_turn(BucketDatabase *database)
{
    pthread_mutex_lock(&database->mutex);
    database->locked.in_use--;
    pthread_cond_signal(&database->released);
    pthread_mutex_unlock(&database->mutex);
}

/* The last one used; its connection is NULL when there is none. */
static IdleConnection take_idle(BucketDatabase *database)
{
    IdleConnection idle = {.connection = NULL};
    pthread_mutex_lock(&database->mutex);
    if (database->locked.idle_count > 0) {
        idle = database->locked.idle[--database->locked.idle_count];
    }
    pthread_mutex_unlock(&database->mutex);
    return idle;
}

/* An idle connection has nothing to say but that it ends. */
static bool is_usable(const BucketDatabase *database, const IdleConnection *idle)
{
    struct pollfd event = {.fd = PQsocket(idle->connection), .events = POLLIN};
    return clock_monotonic_us(database->clock) - idle->since_us < IDLE_US_MAX &&
           poll(&event, 1, 0) == 0;
}

static bool acquire(BucketDatabase *database, PGconn **connection_out, Error *error)
{
    IdleConnection idle = take_idle(database);
    for (; idle.connection != NULL; idle = take_idle(database)) {
        if (is_usable(database, &idle)) {
            *connection_out = idle.connection;
            return true;
        }
        PQfinish(idle.connection);
    }
    return connection_open(&database->profile, connection_out, error);
}

static void release(BucketDatabase *database, PGconn *connection)
{
    const IdleConnection idle = {connection, clock_monotonic_us(database->clock)};
    pthread_mutex_lock(&database->mutex);
    bool kept = PQstatus(connection) == CONNECTION_OK;
    if (kept) {
        /* Only who has a turn has a connection. */
        assert(database->locked.idle_count < CONNECTIONS_MAX);
        database->locked.idle[database->locked.idle_count++] = idle;
    }
    pthread_mutex_unlock(&database->mutex);
    if (!kept) {
        PQfinish(connection);
    }
}

bool bucket_database_run(BucketDatabase *database,
                         const char *sql,
                         const char *const *values,
                         int value_count,
                         PGresult **result_out,
                         Error *error)
{
    if (!take_turn(database)) {
        return error_set(error, ERROR_UNAVAILABLE, "the database is busy");
    }
    PGconn *connection = NULL;
    bool done = acquire(database, &connection, error);
    if (done) {
        done = connection_run(connection, sql, values, value_count, result_out, error);
        release(database, connection);
    }
    end_turn(database);
    return done;
}
