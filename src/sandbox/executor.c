/* SPDX-License-Identifier: Apache-2.0 */
/* The executor of the worker's own machine; see executor.h. */
#include "sandbox/executor.h"

static bool
run_here(Executor *executor, const ExecutorTask *task, SandboxOutcome *outcome_out, Error *error)
{
    (void)executor;
    return sandbox_run(&task->sandbox, outcome_out, error);
}

Executor LOCAL_EXECUTOR = {.run = run_here};
