/* SPDX-License-Identifier: Apache-2.0 */
/* From outcomes to answers; see outcome.h. */
#include "http/outcome.h"

#include <assert.h>
#include <string.h>

bool outcome_refuse(const Outcome *table, const PGresult *result, Response *response)
{
    const char *name = PQntuples(result) == 0 ? "NOT_FOUND" : PQgetvalue(result, 0, 0);
    while (table->name != NULL && strcmp(table->name, name) != 0) {
        table++;
    }
    if (table->name == NULL) {
        return false;
    }
    if (table->detail == NULL) {
        response_null(response, table->status);
    } else {
        response_error(response, table->status, "%s", table->detail);
        response->problem = table->problem;
    }
    return true;
}

void outcome_render(const Outcome *table, const PGresult *result, Response *response)
{
    bool answered = outcome_refuse(table, result, response);
    assert(answered);
    (void)answered;
}
