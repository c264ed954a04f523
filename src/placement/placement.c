/* SPDX-License-Identifier: Apache-2.0 */
/* Where objects are; see placement.h. */
#include "placement/placement.h"

#include "db/connection.h"
#include "placement_sql.h"

enum { KNOWN_PLACE, IS_SETTLED };

static bool settle(
    PGconn *connection, const char *place, const char *moves, PGresult **result_out, Error *error)
{
    const char *const values[] = {place, moves};
    return connection_run(connection, SQL_SETTLE_OBJECT_PLACE, values, ARRAY_COUNT(values),
                          result_out, error);
}

bool placement_check(PGconn *connection, const char *place, const char *remedy, Error *error)
{
    AUTO_RESULT *result = NULL;
    if (!settle(connection, place, "f", &result, error)) {
        return false;
    }
    return *PQgetvalue(result, 0, IS_SETTLED) == 't' ||
           error_set(error, ERROR_CONFLICT,
                     "SLIDEWAY_OBJECT_STORE is '%s', but the objects of this database are in '%s': "
                     "set it to that, or, when they were moved (`slideway store copy`), say so "
                     "with %s",
                     place, PQgetvalue(result, 0, KNOWN_PLACE), remedy);
}

bool placement_move(PGconn *connection, const char *place, Error *error)
{
    AUTO_RESULT *result = NULL;
    return settle(connection, place, "t", &result, error);
}
