/* SPDX-License-Identifier: Apache-2.0 */
/* Taking and keeping the lead; see lead.h. */
#include "jobs/lead.h"

#include <stdio.h>

#include "base/log.h"
#include "jobs_sql.h"

enum { RENEW_US = 3 * 1000 * 1000 };

static bool query(Lead *lead,
                  const char *sql,
                  const char *const *values,
                  int value_count,
                  PGresult **result_out,
                  Error *error)
{
    return connection_run(lead->connection, sql, values, value_count, result_out, error) ||
           error_context(error, "the leader");
}

bool lead_take(Lead *lead, Error *error)
{
    char lease[16];
    snprintf(lease, sizeof lease, "%d", LEAD_LEASE_SECONDS);
    const char *const values[] = {lead->worker_name, lease};
    AUTO_RESULT *result = NULL;
    int64_t asked_at_us = clock_monotonic_us(lead->clock);
    if (!query(lead, SQL_TAKE_LEAD, values, 2, &result, error)) {
        return false;
    }
    lead->held = *PQgetvalue(result, 0, 0) == 't';
    lead->renewed_us = asked_at_us;
    if (lead->held) {
        log_event(LOG_INFO, EVENT_LEADER_BEGAN, LOG_STRING("name", lead->worker_name));
    }
    return true;
}

bool lead_keep(Lead *lead, Error *error)
{
    int64_t now_us = clock_monotonic_us(lead->clock);
    if (now_us - lead->renewed_us < RENEW_US) {
        return true;
    }
    char lease[16];
    snprintf(lease, sizeof lease, "%d", LEAD_LEASE_SECONDS);
    const char *const values[] = {lease};
    AUTO_RESULT *result = NULL;
    if (!query(lead, SQL_KEEP_LEAD, values, 1, &result, error)) {
        return false;
    }
    if (*PQgetvalue(result, 0, 0) != 't') {
        lead->held = false;
        return error_set(error, ERROR_CONFLICT, "another worker has the lead");
    }
    lead->renewed_us = now_us;
    return true;
}

bool lead_query(Lead *lead,
                const char *sql,
                const char *const *values,
                int value_count,
                PGresult **result_out,
                Error *error)
{
    return lead_keep(lead, error) && query(lead, sql, values, value_count, result_out, error);
}
