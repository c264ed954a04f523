/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: one for each shard on the same port. */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

/* Says in one sentence when the port is busy or the address is not ours. A socket that shares its
 * port hides that, so this binds one that does not, and closes it. */
MUST_CHECK bool listener_probe(const char *address, unsigned port, Error *error);
/* A non-blocking socket, listening; `shared`: others may listen on the same port (SO_REUSEPORT). */
MUST_CHECK bool
listener_open(const char *address, unsigned port, bool shared, int *fd_out, Error *error);
