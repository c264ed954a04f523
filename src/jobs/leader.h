/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leader duties: the oldest living worker takes back the items of dead workers, and removes objects
 * that nobody needs any more. All of it may be done by two at once, as when the lead changes.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "jobs/queue.h"
#include "objectstore/objectstore.h"

/* Looks after the queue when this worker leads. */
MUST_CHECK bool leader_tend_queue(PGconn *connection, const WorkerIdentity *worker, Error *error);

/* Does one bounded round of duties when this worker leads. */
MUST_CHECK bool leader_turn(PGconn *connection,
                            const WorkerIdentity *worker,
                            ObjectStore *store,
                            const Clock *clock,
                            Error *error);
