/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slurm's commands: sbatch, squeue, scancel. A job is known by its name, which holds the attempt's
 * id, and not by its number: a submission whose answer is lost can be found again.
 *
 * The commands get no environment but PATH, LANG and SLURM_CONF, and so does the job.
 */
#pragma once
#include <sys/types.h>

#include "base/buffer.h"
#include "sandbox/command.h"
#include "sandbox/executor.h"

typedef struct SlurmCommands {
    const Clock *clock;
    const char *folder;        /* of the commands: "/usr/bin" */
    const char *configuration; /* slurm.conf; empty: where Slurm looks by itself */
    const char *partition;     /* empty: the cluster's default */
    const char *account;       /* empty: the user's default */
    const char *more_options;  /* for sbatch, "--name" or "--name=value", separated by blanks */
    const char *job_program;   /* slideway-slurm-job, as the nodes have it */
    uid_t uid;                 /* whose jobs are ours */
} SlurmCommands;

/* Whether the options are of that shape. */
MUST_CHECK bool slurm_options_check(const char *more_options, Error *error);

enum { SLURM_NAME_BYTES = 64, SLURM_STATE_BYTES = 64 };
void slurm_job_name(const char *attempt_id, char name[SLURM_NAME_BYTES]);

/* The task's files are written. False does not mean that there is no job. */
MUST_CHECK bool slurm_submit(const SlurmCommands *commands,
                             const ExecutorTask *task,
                             const atomic_bool *cancel,
                             Error *error);

/* The user's jobs that have not ended, for slurm_find and slurm_next_leftover. `name` NULL: all. */
MUST_CHECK bool slurm_list(const SlurmCommands *commands,
                           const char *name,
                           const atomic_bool *cancel,
                           Buffer *listing,
                           Error *error);
/* The state of the job in a listing, "RUNNING (None)"; false: it has ended, or is about to. */
bool slurm_find(Text listing, const char *name, char state_out[SLURM_STATE_BYTES]);
/* The next job in the listing that works below the folder; false: there is none. */
bool slurm_next_leftover(Text *listing, const char *folder, char name_out[SLURM_NAME_BYTES]);

/* Kills what runs and takes back what waits. It is no error that there is no such job. */
MUST_CHECK bool slurm_cancel(const SlurmCommands *commands, const char *name, Error *error);
