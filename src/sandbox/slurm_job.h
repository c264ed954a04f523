/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a Slurm job: reads the task in a folder, runs it in a sandbox on this node, leaves
 * the outcome. It ends the task when Slurm asks for it (SIGTERM), when the worker took its file
 * `alive` away, or when the worker has not touched that file for too long.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"

/* `told_to_end` is set by the program's handler of SIGTERM. False: there is no outcome, and the
 * error says why; another job of the same attempt may have one. */
MUST_CHECK bool
slurm_job_run(const char *folder, const Clock *clock, const atomic_bool *told_to_end, Error *error);
