/* SPDX-License-Identifier: Apache-2.0 */
/* The last step into the sandbox: the options of bubblewrap, which show what the application sees.
 */
#pragma once
#include "base/attributes.h"
#include "base/error.h"
#include "sandbox/plan.h"

/* Becomes bubblewrap, which starts the command; returns only with an error. `policy_fd` holds the
 * system call filter. */
void bubblewrap_execute(const SandboxPlan *plan, int policy_fd, Error *error);
