/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enclosure: the namespaces that the launcher puts around bubblewrap. Folders that only the
 * launcher's user may enter become reachable in them, and everything inside dies with the first
 * process.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/error.h"

/* Where the folders appear. */
#define ENCLOSURE_APPLICATION "/tmp/application"
#define ENCLOSURE_SCRATCH "/tmp/work"

/* A user namespace in which the caller is itself and may set up the others. Processes are counted
 * in it apart from what the user runs elsewhere. */
MUST_CHECK bool enclosure_own_users(Error *error);
/* A mount namespace with its own /proc and the two folders in place; `uid` (0: nobody else) sees
 * the application as its own. */
MUST_CHECK bool enclosure_mount(const char *application_folder,
                                const char *scratch_folder,
                                uid_t uid,
                                Error *error);
/* From root to a user who is nobody else. */
MUST_CHECK bool enclosure_become(uid_t uid, Error *error);
