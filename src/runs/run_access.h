/* SPDX-License-Identifier: Apache-2.0 */
/* What all endpoints below /runs/{run_id} share: the id in the path, and a change of metadata with
 * its answer. */
#pragma once
#include <stdbool.h>

#include "http/endpoint.h"

/* Adds run_id; a problem when the path holds no UUID. */
void run_id_bind(Request *request, Parameters *parameters, Problems *problems);

/* Reads a change of metadata; adds the caller, the metadata, its checksum and the one that was
 * expected. */
void metadata_bind(Request *request, Parameters *parameters, Problems *problems);
/* The answer to it: the new checksum, which metadata_bind left in request->state. */
void metadata_render(Request *request,
                     const PGresult *result,
                     const char *not_found,
                     Response *response);

#define RUN_NOT_FOUND_TEXT "Run not found"
#define RUN_FORBIDDEN_TEXT "You do not have permission to access this run"
