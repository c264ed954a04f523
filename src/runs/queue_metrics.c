/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the database for those who scrape; see queue_metrics.h. */
#include "runs/queue_metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "db/connection.h"
#include "runs_sql.h"

enum {
    FRESH_US = 1000 * 1000,
    /* 255 bytes of an id, each escaped, in three lines. */
    BYTES_MAX = (METRIC_ORGANIZATIONS_MAX + 1) * 3 * 1024,
    NUMBER_BYTES = 16
};

struct QueueMetrics {
    const char *conninfo;
    const Clock *clock;
    PGconn *connection; /* the thread's own */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* waits by the monotonic clock */
    struct {
        bool asked; /* somebody waits for an answer that is not fresh */
        bool leave;
        bool failed; /* the last question */
        int64_t answered_at_us;
        Buffer answer; /* the lines of the last good one */
    } locked;
};

static void write_column(Buffer *out, Metric metric, const PGresult *result, int column)
{
    metrics_write_head(out, metric);
    for (int row = 0; row < PQntuples(result); row++) {
        metrics_write_sample(out, metric, PQgetvalue(result, row, 0),
                             strtoll(PQgetvalue(result, row, column), NULL, 10));
    }
}

static void write_queues(Buffer *out, const PGresult *result)
{
    enum { WAITING_COUNT = 1, PROCESSING_COUNT, OLDEST_SECONDS };
    write_column(out, METRIC_QUEUE_ITEMS, result, WAITING_COUNT);
    write_column(out, METRIC_ITEMS_PROCESSING, result, PROCESSING_COUNT);
    write_column(out, METRIC_QUEUE_SECONDS, result, OLDEST_SECONDS);
}

static void write_unrunnable(Buffer *out, const PGresult *result)
{
    metrics_write_head(out, METRIC_UNRUNNABLE_ITEMS);
    metrics_write_sample(out, METRIC_UNRUNNABLE_ITEMS, NULL,
                         strtoll(PQgetvalue(result, 0, 0), NULL, 10));
}

static void write_workers(Buffer *out, const PGresult *result)
{
    enum { ALIVE_COUNT, SILENT_COUNT };
    metrics_write_head(out, METRIC_WORKERS);
    metrics_write_sample(out, METRIC_WORKERS, "alive",
                         strtoll(PQgetvalue(result, 0, ALIVE_COUNT), NULL, 10));
    metrics_write_sample(out, METRIC_WORKERS, "silent",
                         strtoll(PQgetvalue(result, 0, SILENT_COUNT), NULL, 10));
}

static bool
query(PGconn *connection, const char *sql, const char *value, PGresult **result_out, Error *error)
{
    PGresult *result = connection_query(connection, sql, &value, value == NULL ? 0 : 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        PQclear(result);
        return connection_error(connection, "the queues could not be asked for", error);
    }
    *result_out = result;
    return true;
}

static bool ask(PGconn *connection, Buffer *out, Error *error)
{
    AUTO_RESULT *queues = NULL;
    AUTO_RESULT *unrunnable = NULL;
    AUTO_RESULT *workers = NULL;
    char organizations_max[NUMBER_BYTES];
    snprintf(organizations_max, sizeof organizations_max, "%d", METRIC_ORGANIZATIONS_MAX);
    if (!query(connection, SQL_LIST_QUEUES, organizations_max, &queues, error) ||
        !query(connection, SQL_COUNT_UNRUNNABLE_ITEMS, NULL, &unrunnable, error) ||
        !query(connection, SQL_COUNT_WORKERS, NULL, &workers, error)) {
        return false;
    }
    write_queues(out, queues);
    write_unrunnable(out, unrunnable);
    write_workers(out, workers);
    return true;
}

/* Connects if need be and asks; on failure the next question connects anew. */
static bool ask_database(QueueMetrics *metrics, Buffer *out)
{
    Error error = {0};
    const ConnectionProfile profile = {.conninfo = metrics->conninfo,
                                       .application_name = "slideway-server",
                                       .statement_timeout_ms = SCRAPE_WAIT_MILLISECONDS_MAX};
    if ((metrics->connection != NULL || connection_open(&profile, &metrics->connection, &error)) &&
        ask(metrics->connection, out, &error)) {
        return true;
    }
    log_error(LOG_WARNING, EVENT_METRICS_NO_QUEUES, &error);
    PQfinish(metrics->connection);
    metrics->connection = NULL;
    return false;
}

static bool wait_for_question(QueueMetrics *metrics)
{
    pthread_mutex_lock(&metrics->mutex);
    while (!metrics->locked.asked && !metrics->locked.leave) {
        pthread_cond_wait(&metrics->changed, &metrics->mutex);
    }
    bool leave = metrics->locked.leave;
    pthread_mutex_unlock(&metrics->mutex);
    return !leave;
}

static void *run(void *argument)
{
    QueueMetrics *metrics = argument;
    while (wait_for_question(metrics)) {
        AUTO_BUFFER answer;
        buffer_init(&answer, BYTES_MAX);
        bool answered = ask_database(metrics, &answer);
        pthread_mutex_lock(&metrics->mutex);
        if (answered) {
            buffer_reset(&metrics->locked.answer);
            buffer_text(&metrics->locked.answer, buffer_view(&answer));
            metrics->locked.answered_at_us = clock_monotonic_us(metrics->clock);
        }
        metrics->locked.failed = !answered;
        metrics->locked.asked = false;
        pthread_cond_broadcast(&metrics->changed);
        pthread_mutex_unlock(&metrics->mutex);
    }
    return NULL;
}

static bool is_fresh_locked(const QueueMetrics *metrics)
{
    return metrics->locked.answer.length > 0 &&
           clock_monotonic_us(metrics->clock) - metrics->locked.answered_at_us < FRESH_US;
}

/* Waits for an answer, if the last one is not fresh. False: there is none. */
static bool refresh_locked(QueueMetrics *metrics)
{
    if (is_fresh_locked(metrics)) {
        return true;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SCRAPE_WAIT_MILLISECONDS_MAX / 1000;
    metrics->locked.asked = true;
    pthread_cond_broadcast(&metrics->changed);
    int waited = 0;
    while (metrics->locked.asked && !metrics->locked.leave && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&metrics->changed, &metrics->mutex, &until);
    }
    return !metrics->locked.asked && !metrics->locked.failed;
}

void queue_metrics_write(void *argument, Buffer *out)
{
    QueueMetrics *metrics = argument;
    pthread_mutex_lock(&metrics->mutex);
    bool answered = refresh_locked(metrics);
    metrics_write_head(out, METRIC_DATABASE_UP);
    metrics_write_sample(out, METRIC_DATABASE_UP, NULL, answered ? 1 : 0);
    if (answered) {
        buffer_text(out, buffer_view(&metrics->locked.answer));
    }
    pthread_mutex_unlock(&metrics->mutex);
}

bool queue_metrics_start(const char *conninfo,
                         const Clock *clock,
                         QueueMetrics **metrics_out,
                         Error *error)
{
    QueueMetrics *metrics = ALLOC_NEW(QueueMetrics);
    metrics->conninfo = conninfo;
    metrics->clock = clock;
    buffer_init(&metrics->locked.answer, BYTES_MAX);
    pthread_mutex_init(&metrics->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&metrics->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int failed = pthread_create(&metrics->thread, NULL, run, metrics);
    if (failed != 0) {
        alloc_free(metrics);
        return error_set(error, ERROR_INTERNAL, "cannot start a thread: %s", strerror(failed));
    }
    *metrics_out = metrics;
    return true;
}

void queue_metrics_stop(QueueMetrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    pthread_mutex_lock(&metrics->mutex);
    metrics->locked.leave = true;
    pthread_cond_broadcast(&metrics->changed);
    pthread_mutex_unlock(&metrics->mutex);
    pthread_join(metrics->thread, NULL);
    PQfinish(metrics->connection);
    buffer_clear(&metrics->locked.answer);
    pthread_cond_destroy(&metrics->changed);
    pthread_mutex_destroy(&metrics->mutex);
    alloc_free(metrics);
}
