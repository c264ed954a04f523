/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets: one alone on its port, or a group on the same port, one for each shard.
 *
 * The kernel lets every process of one user into a group (SO_REUSEPORT), which would hide a second
 * server. So the first socket of a group listens before it allows others: whoever else starts so
 * finds a port that is taken, also when both start at once.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"

enum { LISTENERS_MAX = 64 };

/* A non-blocking socket, listening. ERROR_CONFLICT: another program listens there. */
MUST_CHECK bool listener_open(const char *address, unsigned port, int *fd_out, Error *error);
/* The same for `count` of them, at most LISTENERS_MAX, to which the kernel deals connections out.
 */
MUST_CHECK bool
listener_open_group(const char *address, unsigned port, size_t count, int *fds_out, Error *error);
