/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor that hands each task to a Slurm cluster (docs/slurm.md, decision 6). What counts is
 * the outcome that the job leaves in the attempt's folder; squeue and the job's signs of life only
 * tell whether to go on waiting for it. Slots share one executor: it asks squeue for all of them at
 * once.
 */
#pragma once
#include "sandbox/executor.h"
#include "sandbox/slurm_commands.h"
#include "sandbox/slurm_files.h"

typedef struct SlurmOptions {
    SlurmCommands commands;
    unsigned poll_seconds;   /* between two questions to squeue */
    unsigned submit_seconds; /* how long a refused submission is tried again */
    unsigned wait_seconds;   /* how long a job may wait or stand still, beside its own time limit */
    unsigned away_seconds;   /* how long the controller may be silent */
    unsigned grace_seconds;  /* how long an outcome may take to become visible */
    unsigned silence_seconds; /* after which a job takes its worker for dead and ends itself */
} SlurmOptions;

enum { SLURM_SILENCE_SECONDS_MIN = 6, SLURM_GRACE_SECONDS_MIN = 2 * SLURM_SIGN_SECONDS };

/* Borrows what the options point to. */
MUST_CHECK bool slurm_create(const SlurmOptions *options, Executor **executor_out, Error *error);
void slurm_destroy(Executor *executor);

/* Ends the jobs that a former life left behind, those that work below SCRATCH/slot-N: they find
 * their files gone, and the controller is told. False: the controller does not know it yet. */
MUST_CHECK bool slurm_cancel_leftovers(Executor *executor,
                                       const char *scratch_folder,
                                       int *count_out,
                                       Error *error);
