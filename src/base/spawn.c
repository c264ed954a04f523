/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and pipes of children; see spawn.h. */
#include "base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int spawn_attributes_set(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attributes, &none);
    failed |= posix_spawnattr_setsigdefault(attributes, &all);
    failed |= posix_spawnattr_setpgroup(attributes, 0);
    failed |= posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                       POSIX_SPAWN_SETPGROUP);
    return failed;
}

bool spawn_pipe(int *read_out, int *write_out, Error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return error_set(error, ERROR_UNAVAILABLE, "cannot make a pipe: %m");
    }
    *read_out = ends[0];
    *write_out = ends[1];
    return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ||
           error_set(error, ERROR_INTERNAL, "cannot prepare a pipe: %m");
}
