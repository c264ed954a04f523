/* SPDX-License-Identifier: Apache-2.0 */
/* Shared connections; see bucket_database.h. */
#include "buckets/bucket_database.h"

#include <poll.h>
#include <pthread.h>

#include "base/alloc.h"

enum { IDLE_CONNECTIONS_MAX = 4 };
#define IDLE_US_MAX (60 * MICROSECONDS_PER_SECOND)

typedef struct IdleConnection {
    PGconn *connection;
    int64_t since_us;
} IdleConnection;

struct BucketDatabase {
    ConnectionProfile profile;
    const Clock *clock;
    pthread_mutex_t mutex;
    struct {
        unsigned count;
        IdleConnection connections[IDLE_CONNECTIONS_MAX];
    } locked;
};

BucketDatabase *bucket_database_create(const ConnectionProfile *profile, const Clock *clock)
{
    BucketDatabase *database = ALLOC_NEW(BucketDatabase);
    database->profile = *profile;
    database->clock = clock;
    pthread_mutex_init(&database->mutex, NULL);
    return database;
}

void bucket_database_destroy(BucketDatabase *database)
{
    if (database == NULL) {
        return;
    }
    for (unsigned i = 0; i < database->locked.count; i++) {
        PQfinish(database->locked.connections[i].connection);
    }
    pthread_mutex_destroy(&database->mutex);
    alloc_free(database);
}

/* The last one used; its connection is NULL when there is none. */
static IdleConnection take_idle(BucketDatabase *database)
{
    IdleConnection idle = {.connection = NULL};
    pthread_mutex_lock(&database->mutex);
    if (database->locked.count > 0) {
        idle = database->locked.connections[--database->locked.count];
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
    bool kept =
        PQstatus(connection) == CONNECTION_OK && database->locked.count < IDLE_CONNECTIONS_MAX;
    if (kept) {
        database->locked.connections[database->locked.count++] = idle;
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
    PGconn *connection = NULL;
    if (!acquire(database, &connection, error)) {
        return false;
    }
    bool done = connection_run(connection, sql, values, value_count, result_out, error);
    release(database, connection);
    return done;
}
