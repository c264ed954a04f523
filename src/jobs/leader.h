/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leader duties: one worker of all holds an advisory lock on its session and takes back the items
 * of dead workers, and removes objects that nobody needs any more. Losing the session loses the
 * lock, and with it the duties.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "objectstore/objectstore.h"

/* Does one bounded round of duties when this session is, or now becomes, the leader's. */
MUST_CHECK bool
leader_turn(PGconn *connection, ObjectStore *store, unsigned attempts_max, Error *error);
