/* SPDX-License-Identifier: Apache-2.0 */
/* What every child of ours starts with, beside its own files and arguments, and how it talks. */
#pragma once
#include <spawn.h>

#include "base/attributes.h"
#include "base/error.h"

/* Signals neither blocked nor ignored, and a process group of its own, so that Ctrl-C reaches the
 * parent alone. 0, or an error number. */
int spawn_attributes_set(posix_spawnattr_t *attributes);

/* A pipe that no child inherits by accident; reading from our end does not wait. */
MUST_CHECK bool spawn_pipe(int *read_out, int *write_out, Error *error);
