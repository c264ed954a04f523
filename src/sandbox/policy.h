/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy: the system calls that an application has no business with. They fail with EPERM (or
 * ENOSYS, where libraries know how to go on without), so that an application that merely tries
 * lives on. What the namespaces already forbid is forbidden here once more.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

/* *fd_out holds the compiled filter, from its start; it survives an exec. */
MUST_CHECK bool policy_write(int *fd_out, Error *error);
