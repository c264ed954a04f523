/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launch mode of this program: posix_spawn cannot change a user or ask for a signal when the
 * parent dies, so up starts itself as `slideway launch …`, which does both and then becomes the
 * program.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "cli/command.h"

typedef struct LaunchOrder {
    const char *program;
    const char *const *arguments;
    uid_t uid;
    gid_t gid;
    int death_signal;
} LaunchOrder;

/* The command line that launch_main reads; NULL at its end. */
MUST_CHECK char **launch_arguments(const LaunchOrder *order);
/* Frees the strings, not the array. */
void launch_arguments_clear(char **arguments);

/* "launch UID GID SIGNAL PARENT PROGRAM ARGUMENT..."; returns only when it failed. */
int launch_main(int count, char **arguments);
