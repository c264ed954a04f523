/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lead: one worker does what has to be done once for all. It leads while the session of its
 * connection holds PostgreSQL's advisory lock, so whatever it says over that connection is said by
 * the leader or not at all. A lease beside the lock ends the session of a leader that hangs; see
 * take_lead in the migrations. So no duty can be done by a process that was frozen and wakes up.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "db/connection.h"

/* A statement of a duty ends before the lease does, or the next leader would break it off, and the
 * next one again. */
enum { LEAD_LEASE_SECONDS = 15, LEAD_STATEMENT_MILLISECONDS = 10000 };

typedef struct Lead {
    const Clock *clock;
    const char *worker_name;
    PGconn *connection; /* NULL: the database is away */
    bool held;
    int64_t renewed_us;
} Lead;

/* Takes the lead when nobody has it; `held` tells. */
MUST_CHECK bool lead_take(Lead *lead, Error *error);
/* Renews the lease when it is time to; false: the lead is lost, and nothing more may be done. */
MUST_CHECK bool lead_keep(Lead *lead, Error *error);
/* lead_keep, then the statement of a duty. The caller owns *result_out (AUTO_RESULT). */
MUST_CHECK bool lead_query(Lead *lead,
                           const char *sql,
                           const char *const *values,
                           int value_count,
                           PGresult **result_out,
                           Error *error);
