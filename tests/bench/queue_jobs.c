/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker without work: claims items and ends each at once with an output artifact, by the
 * worker's own queue and reporter. One thread claims for all slots that are free, each slot is a
 * thread. Prints how many items it ended and the seconds that it took: JOBS SECONDS.
 *
 * usage: queue_jobs CONNINFO SLOTS JOBS     it ends when so many are done
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "jobs/reporter.h"

enum { SLOTS_MAX = 64, LEASE_SECONDS = 3600, ATTEMPTS_MAX = 3 };

typedef struct Pool {
    Reporter *reporter;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    Job jobs[SLOTS_MAX]; /* claimed, for the slots to take */
    int job_count;
    int free_slots;
    bool leave;
} Pool;

static void fail(const Error *error)
{
    fprintf(stderr, "queue_jobs: %s: %s\n", error->message, error->cause);
    exit(EXIT_FAILURE);
}

static bool take_job(Pool *pool, Job *job_out)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->job_count == 0 && !pool->leave) {
        pthread_cond_wait(&pool->changed, &pool->mutex);
    }
    bool taken = pool->job_count > 0;
    if (taken) {
        *job_out = pool->jobs[--pool->job_count];
    }
    pthread_mutex_unlock(&pool->mutex);
    return taken;
}

static void end_job(Pool *pool, const Job *job)
{
    Uuid artifact_id = uuid_create(&SYSTEM_CLOCK);
    JobReport report;
    job_report_init(&report);
    report.outcome = JOB_SUCCEEDED;
    report.peak_memory_bytes = 100000000;
    buffer_format(&report.output_artifacts,
                  "[{\"output_artifact_id\": \"%s\", \"name\": \"result\", \"mime_type\": "
                  "\"text/csv\", \"metadata\": \"{}\", \"size_bytes\": 1000, "
                  "\"checksum_base64_crc32c\": \"AAAAAA==\", \"object_key\": \"artifacts/%s\"}]",
                  artifact_id.text, job->item_id.text);
    Error error = {0};
    FinishResult result = FINISH_LEASE_LOST;
    if (!reporter_finish(pool->reporter, &job->attempt_id, &report, &result, &error)) {
        fail(&error);
    }
    if (result != FINISH_COMMITTED) {
        error_set(&error, ERROR_INTERNAL, "an attempt lost its item");
        fail(&error);
    }
    job_report_clear(&report);
}

static void *run_slot(void *argument)
{
    Pool *pool = argument;
    Job job;
    while (take_job(pool, &job)) {
        end_job(pool, &job);
        job_clear(&job);
        pthread_mutex_lock(&pool->mutex);
        pool->free_slots++;
        pthread_cond_broadcast(&pool->changed);
        pthread_mutex_unlock(&pool->mutex);
    }
    return NULL;
}

/* Waits until more than `idle` slots are free; how many are. */
static int wait_for_slots(Pool *pool, int idle)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->free_slots <= idle) {
        pthread_cond_wait(&pool->changed, &pool->mutex);
    }
    int count = pool->free_slots;
    pthread_mutex_unlock(&pool->mutex);
    return count;
}

static void hand_out(Pool *pool, const Job *jobs, int count)
{
    pthread_mutex_lock(&pool->mutex);
    for (int i = 0; i < count; i++) {
        pool->jobs[pool->job_count++] = jobs[i];
    }
    pool->free_slots -= count;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
}

/*
 * Claims at most `left` items for the slots that are free and hands them out; how many. When the
 * queue gave none, `idle` holds how many slots were free: a run has only so many items in work,
 * so that the next item may come only when one of them has ended.
 */
static int claim(Pool *pool, PGconn *connection, const WorkerIdentity *worker, int left, int *idle)
{
    int free_slots = wait_for_slots(pool, *idle);
    AttemptIds ids = {.count = free_slots < left ? free_slots : left};
    for (int i = 0; i < ids.count; i++) {
        ids.ids[i] = uuid_create(&SYSTEM_CLOCK);
    }
    Job jobs[SLOTS_MAX];
    int count = 0;
    Error error = {0};
    if (!queue_claim(connection, worker, &ids, jobs, &count, &error)) {
        fail(&error);
    }
    if (count == 0 && free_slots == (int)worker->slots) {
        error_set(&error, ERROR_INTERNAL, "the queue ran dry");
        fail(&error);
    }
    hand_out(pool, jobs, count);
    *idle = count == 0 ? free_slots : 0;
    return count;
}

static void work(Pool *pool, PGconn *connection, const WorkerIdentity *worker, int jobs)
{
    pthread_t threads[SLOTS_MAX];
    int slots = (int)worker->slots;
    for (int i = 0; i < slots; i++) {
        if (pthread_create(&threads[i], NULL, run_slot, pool) != 0) {
            perror("queue_jobs");
            exit(EXIT_FAILURE);
        }
    }
    int idle = 0;
    for (int left = jobs; left > 0;) {
        left -= claim(pool, connection, worker, left, &idle);
    }
    pthread_mutex_lock(&pool->mutex);
    pool->leave = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < slots; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(int argc, char **argv)
{
    unsigned long slots = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    long jobs = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (slots < 1 || slots > SLOTS_MAX || jobs < 1 || jobs > 1000000) {
        fprintf(stderr, "usage: queue_jobs CONNINFO SLOTS JOBS\n");
        return EXIT_FAILURE;
    }
    const ConnectionProfile database = {.conninfo = argv[1], .application_name = "queue_jobs"};
    const ReporterOptions options = {
        .clock = &SYSTEM_CLOCK, .database = database, .attempts_max = ATTEMPTS_MAX};
    WorkerIdentity worker = {.worker_id = uuid_create(&SYSTEM_CLOCK),
                             .name = "queue_jobs",
                             .slots = (unsigned)slots,
                             .labels = {.cpus = 64, .memory_bytes = INT64_C(1) << 40},
                             .lease_seconds = LEASE_SECONDS,
                             .attempts_max = ATTEMPTS_MAX};
    AUTO_CONNECTION *connection = NULL;
    Error error = {0};
    int returned = 0;
    if (!connection_open(&database, &connection, &error) ||
        !queue_register(connection, &worker, &returned, &error)) {
        fail(&error);
    }
    Pool pool = {.reporter = reporter_create(&options),
                 .mutex = PTHREAD_MUTEX_INITIALIZER,
                 .changed = PTHREAD_COND_INITIALIZER,
                 .free_slots = (int)slots};
    int64_t began_us = clock_monotonic_us(&SYSTEM_CLOCK);
    work(&pool, connection, &worker, (int)jobs);
    double seconds = (double)(clock_monotonic_us(&SYSTEM_CLOCK) - began_us) / 1e6;
    printf("%ld %.3f\n", jobs, seconds);
    reporter_destroy(pool.reporter);
    return queue_leave(connection, &worker, &returned, &error) && returned == 0 ? EXIT_SUCCESS
                                                                                : EXIT_FAILURE;
}
