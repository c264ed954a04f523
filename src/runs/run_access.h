/* SPDX-License-Identifier: Apache-2.0 */
/* What all endpoints below /runs/{run_id} share: the id in the path, filters, the
 * answer to a change of metadata. */
#pragma once
#include <stdbool.h>

#include "http/endpoint.h"

/* Adds run_id; false (answered with 422) when the path holds no UUID. */
bool run_id_bind(Request *request, Parameters *parameters, Response *response);
/* A JSONPath filter as a parameter: bare field names get "$." in front, "$" alone is no filter.
 * NULL: none was given. */
const char *jsonpath_of(Request *request, Problems *problems);
/* Turns what PostgreSQL refuses in a JSONPath or an id list into 422. */
bool search_refuse(Request *request, const char *sqlstate, const char *message, Response *response);

/* The answer to a change of metadata: the new checksum, which bind left in request->state. */
void metadata_render(Request *request,
                     const PGresult *result,
                     const char *not_found,
                     Response *response);

#define RUN_NOT_FOUND_TEXT "Run not found"
#define RUN_FORBIDDEN_TEXT "You do not have permission to access this run"
