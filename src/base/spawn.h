/* SPDX-License-Identifier: Apache-2.0 */
/* What every child of ours starts with, beside its own files and arguments. */
#pragma once
#include <spawn.h>

/* Signals neither blocked nor ignored, and a process group of its own, so that Ctrl-C reaches the
 * parent alone. 0, or an error number. */
int spawn_attributes_set(posix_spawnattr_t *attributes);
