/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executors: where the application of an attempt runs. LOCAL_EXECUTOR runs it in a sandbox beside
 * the worker; the one of sandbox/slurm.h in the same sandbox inside a job of a Slurm cluster.
 */
#pragma once
#include "sandbox/sandbox.h"

typedef struct ExecutorTask {
    const char *attempt_id; /* like no other: names the work in a cluster's queue */
    /* Absolute, of this attempt alone, made and wiped by the caller. The sandbox's scratch folder
     * lies in it; what stands beside that one, the application cannot reach. */
    const char *folder;
    SandboxOptions sandbox;
    int64_t cpus;
    int64_t gpus;
    /* What an operator should know while the task goes on, told with the context of the sandbox's
     * progress; may be NULL. */
    void (*trouble)(void *context, const Error *error);
} ExecutorTask;

typedef struct Executor Executor;
struct Executor {
    /* As sandbox_run: blocks until the task has ended, and when it is cancelled until nothing of it
     * runs any more. False: nobody knows a result, which is the platform's fault. */
    bool (*run)(Executor *executor,
                const ExecutorTask *task,
                SandboxOutcome *outcome_out,
                Error *error);
};

extern Executor LOCAL_EXECUTOR;

MUST_CHECK static inline bool executor_run(Executor *executor,
                                           const ExecutorTask *task,
                                           SandboxOutcome *outcome_out,
                                           Error *error)
{
    return executor->run(executor, task, outcome_out, error);
}
