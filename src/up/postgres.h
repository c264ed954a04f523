/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private PostgreSQL of a data folder: where its programs are, how its cluster is made once,
 * and how its server is started and asked whether it is ready. It listens on a unix socket alone,
 * in a folder that only its own user may enter.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "up/child.h"
#include "up/layout.h"

/* The folder of the programs, AUTO_FREE: `wished`, if it is not NULL; else those of the version
 * that made the cluster, or the newest there is. ERROR_UNAVAILABLE: there are none. */
MUST_CHECK bool
postgres_find(const Layout *layout, const char *wished, char **programs_out, Error *error);
/* Makes the cluster unless there is one; takes about a second. */
MUST_CHECK bool postgres_initialise(const Layout *layout, const char *programs, Error *error);
/* What the server is to be started with. */
void postgres_child(const Layout *layout, const char *programs, Child *child_out);
/* "host=… dbname=… user=slideway"; AUTO_FREE. */
MUST_CHECK char *postgres_conninfo(const Layout *layout, const char *database);
/* Makes PostgreSQL start although a lock file of its last life names a process: one that is no
 * PostgreSQL (after a crash of the machine its pid may belong to somebody else), or one that ended
 * and that nobody has waited for (a container whose first process does not). */
void postgres_forget_stale_locks(const Layout *layout, const char *programs);
/* Waits at most ten seconds for sessions that have outlived their killed server: each ends when it
 * next looks, and until then no server starts. */
void postgres_await_last_sessions(const Layout *layout, const Clock *clock);
/* The database's first statement: makes "slideway" unless it is there. */
MUST_CHECK bool postgres_create_database(const Layout *layout, Error *error);
