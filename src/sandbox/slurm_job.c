/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a Slurm job; see slurm_job.h. */
#include "sandbox/slurm_job.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "sandbox/slurm_files.h"

enum { TICK_US = 200 * 1000, STAGE_BYTES = 256 };

typedef struct SlurmJob {
    const char *folder;
    const Clock *clock;
    const SlurmTask *task;
    const atomic_bool *told_to_end;
    atomic_bool cancel; /* read by the sandbox */
    struct timespec touched;
    int64_t heard_us; /* when the worker was last seen to touch its file */
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        bool ended;
        bool progress_is_new;
        double fraction;
        char stage[STAGE_BYTES];
    } locked;
} SlurmJob;

static bool worker_lives(SlurmJob *job)
{
    struct timespec touched;
    int64_t now_us = clock_monotonic_us(job->clock);
    if (!slurm_sign_read(job->folder, SLURM_ALIVE, &touched)) {
        return false;
    }
    if (slurm_sign_moved(&job->touched, &touched)) {
        job->touched = touched;
        job->heard_us = now_us;
    }
    return now_us - job->heard_us <= job->task->silence_seconds * MICROSECONDS_PER_SECOND;
}

static void write_progress(SlurmJob *job)
{
    char stage[STAGE_BYTES];
    pthread_mutex_lock(&job->locked.mutex);
    bool is_new = job->locked.progress_is_new;
    double fraction = job->locked.fraction;
    memcpy(stage, job->locked.stage, sizeof stage);
    job->locked.progress_is_new = false;
    pthread_mutex_unlock(&job->locked.mutex);
    Error ignored = {0}; /* the next one may be written, and the outcome does not need it */
    bool written = is_new && slurm_progress_write(job->folder, fraction, text_of(stage), &ignored);
    (void)written;
}

/* True: the task has ended meanwhile. */
static bool wait_for_tick(SlurmJob *job)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_US * 1000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&job->locked.mutex);
    int woken = 0;
    while (!job->locked.ended && woken == 0) {
        woken = pthread_cond_clockwait(&job->locked.changed, &job->locked.mutex, CLOCK_MONOTONIC,
                                       &until);
    }
    bool ended = job->locked.ended;
    pthread_mutex_unlock(&job->locked.mutex);
    return ended;
}

static void *watch(void *argument)
{
    SlurmJob *job = argument;
    int64_t sign_due_us = 0;
    Error ignored = {0};
    while (!wait_for_tick(job)) {
        if (atomic_load(job->told_to_end) || !worker_lives(job)) {
            atomic_store(&job->cancel, true);
        }
        if (clock_monotonic_us(job->clock) >= sign_due_us) {
            bool touched = slurm_sign_touch(job->folder, SLURM_STARTED, &ignored);
            (void)touched; /* the next one may be */
            write_progress(job);
            sign_due_us =
                clock_monotonic_us(job->clock) + SLURM_SIGN_SECONDS * MICROSECONDS_PER_SECOND;
        }
    }
    return NULL;
}

static void take_progress(void *context, double fraction, Text stage)
{
    SlurmJob *job = context;
    pthread_mutex_lock(&job->locked.mutex);
    job->locked.fraction = fraction;
    job->locked.progress_is_new = text_copy(stage, job->locked.stage, sizeof job->locked.stage);
    pthread_mutex_unlock(&job->locked.mutex);
}

static bool run_sandbox(SlurmJob *job, SandboxOutcome *outcome, Error *error)
{
    const SlurmTask *task = job->task;
    const SandboxOptions options = {.application_folder = task->application_folder,
                                    .scratch_folder = task->scratch_folder,
                                    .command = task->command,
                                    .limits = task->limits,
                                    .uid = task->uid,
                                    .clock = job->clock,
                                    .cancel = &job->cancel,
                                    .progress = take_progress,
                                    .progress_context = job};
    return sandbox_run(&options, outcome, error);
}

/* True with the reason: it did not end by itself. */
static bool was_stopped(const SlurmJob *job, Error *error)
{
    if (atomic_load(job->told_to_end)) {
        error_set(error, ERROR_UNAVAILABLE,
                  "Slurm told the job to end: for an operator, for its time limit or for another "
                  "job");
        return true;
    }
    if (atomic_load(&job->cancel)) {
        error_set(error, ERROR_UNAVAILABLE, "the job did not hear of its worker");
        return true;
    }
    return false;
}

/* Runs the task with the watch beside it. */
static bool run_watched(SlurmJob *job, SandboxOutcome *outcome, Error *error)
{
    pthread_t thread;
    pthread_mutex_init(&job->locked.mutex, NULL);
    pthread_cond_init(&job->locked.changed, NULL);
    if (pthread_create(&thread, NULL, watch, job) != 0) {
        return error_set(error, ERROR_UNAVAILABLE, "cannot start a thread");
    }
    bool ran = run_sandbox(job, outcome, error);
    pthread_mutex_lock(&job->locked.mutex);
    job->locked.ended = true;
    pthread_cond_signal(&job->locked.changed);
    pthread_mutex_unlock(&job->locked.mutex);
    pthread_join(thread, NULL);
    /* Slurm signals the application, too: how it ended then is not its own doing. */
    bool succeeded = ran && outcome->kind == SANDBOX_EXITED && outcome->exit_code == 0;
    return succeeded || (!was_stopped(job, error) && ran);
}

/* The results must not be younger than the outcome when this node dies. */
static bool sync_results(const SlurmTask *task, Error *error)
{
    AUTO_FD fd = open(task->scratch_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && syncfs(fd) == 0) ||
           error_set(error, ERROR_UNAVAILABLE, "cannot sync '%s': %m", task->scratch_folder);
}

static void add_node(Error *error)
{
    char node[HOST_NAME_MAX + 1] = "";
    if (gethostname(node, sizeof node) == 0) {
        error_context(error, "node %s", node);
    }
}

bool slurm_job_run(const char *folder,
                   const Clock *clock,
                   const atomic_bool *told_to_end,
                   Error *error)
{
    AUTO_SLURM_TASK task = {.root = NULL};
    SlurmJob job = {.folder = folder,
                    .clock = clock,
                    .task = &task,
                    .told_to_end = told_to_end,
                    .heard_us = clock_monotonic_us(clock)};
    if (!slurm_task_read(folder, &task, error)) {
        return false;
    }
    if (!slurm_sign_read(folder, SLURM_ALIVE, &job.touched) || !slurm_started_claim(folder)) {
        return error_set(error, ERROR_CONFLICT,
                         "the worker does not want this attempt any more, or another job has it");
    }
    Error failure = {0};
    SandboxOutcome outcome;
    bool ran = run_watched(&job, &outcome, &failure) && sync_results(&task, &failure);
    if (!ran) {
        add_node(&failure);
    }
    return slurm_outcome_write(folder, task.attempt_id, &outcome, ran ? NULL : &failure, error);
}
