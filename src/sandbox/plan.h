/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: what sandbox_run tells its launcher, as the launcher's arguments. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "sandbox/sandbox.h"

/* The launcher's descriptor for its report: one JSON object a line. */
enum { SANDBOX_REPORT_FD = 3 };

typedef struct SandboxPlan {
    const char *application_folder;
    const char *scratch_folder;
    SandboxLimits limits;
    uid_t uid; /* 0: the user stays the same */
    pid_t parent;
    const char *const *command; /* ends in NULL */
} SandboxPlan;

/* Ends in NULL; release with sandbox_arguments_free. The program is resolved: one with a slash that
 * does not begin with one starts at /application. */
char **sandbox_plan_to_arguments(const SandboxPlan *plan);
void sandbox_arguments_free(char **arguments);
bool sandbox_plan_is_in(int argc, char **argv);
/* Borrows from argv. */
MUST_CHECK bool sandbox_plan_read(int argc, char **argv, SandboxPlan *plan_out, Error *error);
