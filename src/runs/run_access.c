/* SPDX-License-Identifier: Apache-2.0 */
/* Shared parts of the endpoints of a run; see run_access.h. */
#include "runs/run_access.h"

#include <string.h>

#include "access/caller.h"
#include "http/inputs.h"
#include "http/outcome.h"
#include "runs/run_request.h"

void run_id_bind(Request *request, Parameters *parameters, Problems *problems)
{
    parameters_add(parameters, input_path_uuid(request, 0, "run_id", problems));
}

void metadata_bind(Request *request, Parameters *parameters, Problems *problems)
{
    MetadataRequest change;
    metadata_request_read(request->body, &request->arena, &change, problems);
    caller_bind(request, parameters);
    parameters_add(parameters, change.custom_metadata);
    parameters_add(parameters, change.checksum);
    parameters_add(parameters, change.expected_checksum);
    request->state = (void *)change.checksum;
}

void metadata_render(Request *request,
                     const PGresult *result,
                     const char *not_found,
                     Response *response)
{
    if (strcmp(PQgetvalue(result, 0, 0), "CHANGED") == 0) {
        JsonWriter writer;
        response_begin(response, 200, &writer);
        writer_begin_object(&writer);
        writer_key_string(&writer, "custom_metadata_checksum", request->state);
        writer_end_object(&writer);
        return;
    }
    const Outcome outcomes[] = {
        {"NOT_FOUND", 404, not_found,
         strcmp(not_found, RUN_NOT_FOUND_TEXT) == 0 ? PROBLEM_RUN_NOT_FOUND
                                                    : PROBLEM_ITEM_NOT_FOUND},
        {"RUN_NOT_FOUND", 404, RUN_NOT_FOUND_TEXT, PROBLEM_RUN_NOT_FOUND},
        {"FORBIDDEN", 403, RUN_FORBIDDEN_TEXT},
        {"CHECKSUM_MISMATCH", 412, "The custom metadata has changed: its checksum does not match"},
        {NULL, 0, NULL},
    };
    outcome_render(outcomes, result, response);
}
