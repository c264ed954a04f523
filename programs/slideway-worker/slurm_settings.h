/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's settings of its Slurm executor, and what is made of them (docs/slurm.md). */
#pragma once
#include "base/settings.h"
#include "sandbox/slurm.h"

typedef struct SlurmSettings {
    char *folder;
    char *configuration;
    char *partition;
    char *account;
    char *options;
    char *job_program;
    unsigned poll_seconds;
    unsigned submit_seconds;
    unsigned wait_seconds;
    unsigned away_seconds;
    unsigned grace_seconds;
    unsigned silence_seconds;
} SlurmSettings;

/* Rows of a table of settings; `base` is the offset of a SlurmSettings. */
#define SLURM_SETTING(name, type, base, field, fallback, help)                                     \
    {                                                                                              \
        "SLIDEWAY_SLURM_" name, type, (base) + offsetof(SlurmSettings, field), fallback, help      \
    }
#define SLURM_SETTINGS(base)                                                                       \
    SLURM_SETTING("PARTITION", SETTING_STRING, base, partition, "",                                \
                  "partition of the jobs; empty is the cluster's default"),                        \
        SLURM_SETTING("ACCOUNT", SETTING_STRING, base, account, "",                                \
                      "account of the jobs; empty is the user's default"),                         \
        SLURM_SETTING("OPTIONS", SETTING_STRING, base, options, "",                                \
                      "more options of sbatch, as --qos=slides --exclusive"),                      \
        SLURM_SETTING("CONF", SETTING_STRING, base, configuration, "",                             \
                      "path of slurm.conf; empty is where Slurm looks by itself"),                 \
        SLURM_SETTING("FOLDER", SETTING_STRING, base, folder, "/usr/bin",                          \
                      "folder of sbatch, squeue and scancel"),                                     \
        SLURM_SETTING("JOB_PROGRAM", SETTING_STRING, base, job_program, "",                        \
                      "path of slideway-slurm-job on the nodes; empty is beside this program"),    \
        SLURM_SETTING("POLL_SECONDS", SETTING_UINT, base, poll_seconds, "10",                      \
                      "how often squeue is asked which jobs there are"),                           \
        SLURM_SETTING("SUBMIT_SECONDS", SETTING_UINT, base, submit_seconds, "600",                 \
                      "how long a job that sbatch refuses is submitted again"),                    \
        SLURM_SETTING("WAIT_SECONDS", SETTING_UINT, base, wait_seconds, "86400",                   \
                      "how long a job may wait in Slurm's queue or be suspended"),                 \
        SLURM_SETTING("AWAY_SECONDS", SETTING_UINT, base, away_seconds, "3600",                    \
                      "how long Slurm's controller may be away before its jobs are given up"),     \
        SLURM_SETTING("GRACE_SECONDS", SETTING_UINT, base, grace_seconds, "60",                    \
                      "how long the shared scratch folder may hide the outcome of an ended job"),  \
        SLURM_SETTING("SILENCE_SECONDS", SETTING_UINT, base, silence_seconds, "120",               \
                      "a job whose worker is silent for so long ends itself")

/* The executor of a worker that has one. */
typedef struct SlurmProgram {
    char *job_program; /* owned */
    Executor *executor;
} SlurmProgram;

/* Borrows the settings. */
MUST_CHECK bool
slurm_program_start(SlurmProgram *program, const SlurmSettings *settings, Error *error);
/* Before the scratch folder is wiped. Does nothing without an executor. */
void slurm_program_end_leftovers(const SlurmProgram *program, const char *scratch_folder);
void slurm_program_stop(SlurmProgram *program);
