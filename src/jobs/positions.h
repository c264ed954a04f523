/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue positions: the leader plays the queue on once a second (jobs/foresight.h) and writes down
 * where the waiting items of each run stand. A row is written only when it is wrong by some
 * percent, so that a long queue that moves on means few rows a second.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

MUST_CHECK bool positions_refresh(PGconn *connection, unsigned batch_size, Error *error);
/* Drops what nobody reads any more. */
MUST_CHECK bool positions_forget(PGconn *connection, Error *error);
