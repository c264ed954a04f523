/* SPDX-License-Identifier: Apache-2.0 */
/* See parallel.h. */
#include "analysis/parallel.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/limits.h"

typedef struct Shared {
    const ParallelJobs *jobs;
    atomic_uint next;
    atomic_uint done;
    atomic_bool failed;
    struct {
        pthread_mutex_t mutex;
        uint32_t failed_job;
        Error error;
    } locked;
} Shared;

typedef struct ThreadStart {
    Shared *shared;
    unsigned thread;
    pthread_t id;
} ThreadStart;

static void record_failure(Shared *shared, uint32_t job, const Error *error)
{
    pthread_mutex_lock(&shared->locked.mutex);
    if (!atomic_exchange(&shared->failed, true) || job < shared->locked.failed_job) {
        shared->locked.failed_job = job;
        shared->locked.error = *error;
    }
    pthread_mutex_unlock(&shared->locked.mutex);
}

static void run_jobs(Shared *shared, unsigned thread)
{
    const ParallelJobs *jobs = shared->jobs;
    while (!atomic_load(&shared->failed)) {
        uint32_t job = atomic_fetch_add(&shared->next, 1);
        if (job >= jobs->job_count) {
            return;
        }
        Error error = {0};
        if (!jobs->run(jobs->context, thread, job, &error)) {
            record_failure(shared, job, &error);
        }
        unsigned done = atomic_fetch_add(&shared->done, 1) + 1;
        if (thread == 0 && jobs->progress != NULL) {
            jobs->progress(jobs->context, (double)done / jobs->job_count);
        }
    }
}

static void *thread_main(void *argument)
{
    const ThreadStart *start = argument;
    run_jobs(start->shared, start->thread);
    return NULL;
}

unsigned parallel_thread_count(unsigned wished)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = wished > 0 ? wished : cores < 1 ? 1 : (unsigned)cores;
    return count > ANALYSIS_THREADS_MAX ? ANALYSIS_THREADS_MAX : count;
}

bool parallel_run(const ParallelJobs *jobs, Error *error)
{
    assert(jobs->thread_count >= 1 && jobs->thread_count <= ANALYSIS_THREADS_MAX);
    Shared shared = {.jobs = jobs, .locked = {.mutex = PTHREAD_MUTEX_INITIALIZER}};
    ThreadStart starts[ANALYSIS_THREADS_MAX];
    unsigned started = 1;
    while (started < jobs->thread_count) {
        starts[started] = (ThreadStart){.shared = &shared, .thread = started};
        /* With fewer threads than wished the others do all the work. */
        if (pthread_create(&starts[started].id, NULL, thread_main, &starts[started]) != 0) {
            break;
        }
        started++;
    }
    run_jobs(&shared, 0);
    for (unsigned i = 1; i < started; i++) {
        pthread_join(starts[i].id, NULL);
    }
    pthread_mutex_destroy(&shared.locked.mutex);
    if (atomic_load(&shared.failed)) {
        *error = shared.locked.error;
        return false;
    }
    if (jobs->progress != NULL) {
        jobs->progress(jobs->context, 1);
    }
    return true;
}
