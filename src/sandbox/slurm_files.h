/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What passes between a worker and its Slurm job: files in the attempt's folder, which both see
 * under the same path. Each is written beside its place and renamed into it.
 *
 *     worker   task.json      what to run
 *              job.sh         the batch script, always the same
 *              alive          touched while the worker lives; its removal ends the job
 *     job      started        made by the first job that comes for this attempt, others leave;
 * touched while the job lives progress.json  the newest progress outcome.json   how it ended: the
 * truth, whatever Slurm says Slurm    job.log        what the job and Slurm complained about
 */
#pragma once
#include <jansson.h>
#include <time.h>

#include "sandbox/executor.h"

enum {
    SLURM_COMMAND_WORDS_MAX = 64,
    SLURM_SIGN_SECONDS = 2 /* between two of a job's signs of life, and two looks at them */
};

/* task.json, as the job reads it. */
typedef struct SlurmTask {
    json_t *root; /* owns the strings */
    const char *attempt_id;
    const char *application_folder;
    const char *scratch_folder;
    const char *command[SLURM_COMMAND_WORDS_MAX + 1];
    SandboxLimits limits;
    uid_t uid;
    int64_t silence_seconds; /* a worker that does not touch `alive` for so long is dead */
} SlurmTask;

void slurm_task_clear(SlurmTask *task);
#define AUTO_SLURM_TASK CLEANUP(slurm_task_clear) SlurmTask

/* Writes task.json, job.sh and alive. */
MUST_CHECK bool slurm_task_write(const ExecutorTask *task, int64_t silence_seconds, Error *error);
MUST_CHECK bool slurm_task_read(const char *folder, SlurmTask *task_out, Error *error);

/* The signs of life, and the touching of one. */
#define SLURM_ALIVE "alive"
#define SLURM_STARTED "started"
MUST_CHECK bool slurm_sign_touch(const char *folder, const char *sign, Error *error);
/* When it was touched; false: there is none. Opens it, since a shared file system may answer other
 * questions from memory. */
bool slurm_sign_read(const char *folder, const char *sign, struct timespec *touched_out);
/* Of two of these: whether it was touched in between. The clocks of two machines differ, so nothing
 * else can be said. */
static inline bool slurm_sign_moved(const struct timespec *before, const struct timespec *now)
{
    return before->tv_sec != now->tv_sec || before->tv_nsec != now->tv_nsec;
}
void slurm_alive_remove(const char *folder);

/* True for the first job only. */
bool slurm_started_claim(const char *folder);

MUST_CHECK bool slurm_progress_write(const char *folder, double fraction, Text stage, Error *error);
/* False: there is none. */
bool slurm_progress_read(const char *folder, double *fraction_out, char *stage, size_t stage_bytes);

/* A failure is what sandbox_run, or the job itself, could not do. */
MUST_CHECK bool slurm_outcome_write(const char *folder,
                                    const char *attempt_id,
                                    const SandboxOutcome *outcome,
                                    const Error *failure,
                                    Error *error);

typedef enum SlurmOutcomeState {
    SLURM_OUTCOME_ABSENT,
    SLURM_OUTCOME_KNOWN,
    SLURM_OUTCOME_FAILED /* *error is the failure, or what is wrong with the file */
} SlurmOutcomeState;
SlurmOutcomeState slurm_outcome_read(const char *folder,
                                     const char *attempt_id,
                                     SandboxOutcome *outcome_out,
                                     Error *error);

/* The last line of job.log; empty when there is none. */
void slurm_log_read(const char *folder, char *line, size_t line_bytes);
