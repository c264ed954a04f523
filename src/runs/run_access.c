/* SPDX-License-Identifier: Apache-2.0 */
/* Shared parts of the endpoints of a run; see run_access.h. */
#include "runs/run_access.h"

#include <string.h>

#include "base/limits.h"
#include "http/inputs.h"
#include "http/outcome.h"

bool run_id_bind(Request *request, Parameters *parameters, Response *response)
{
    const char *run_id = input_path_uuid(request, 0, "run_id", response);
    if (run_id != NULL) {
        parameters_add(parameters, run_id);
    }
    return run_id != NULL;
}

static bool is_field_start(char c)
{
    return c == '_' || c == '"' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

const char *jsonpath_of(Request *request, Problems *problems)
{
    Text path = text_trim(request_query(request, "custom_metadata"));
    if (path.length == 0 || text_is(path, "$")) {
        return NULL;
    }
    if (path.length > JSONPATH_CHARACTERS_MAX) {
        problems_add(problems, "string_too_long", "\"query\",\"custom_metadata\"",
                     "String should have at most 1000 characters", NULL);
        return NULL;
    }
    bool has_mode = text_starts_with(path, "strict ") || text_starts_with(path, "lax ");
    const char *prefix = is_field_start(path.bytes[0]) && !has_mode ? "$." : "";
    return arena_format(&request->arena, "%s%.*s", prefix, TEXT_ARGUMENTS(path));
}

bool search_refuse(Request *request, const char *sqlstate, const char *message, Response *response)
{
    /* What a caller's JSONPath can cause: syntax, bad literals, unknown modes, overflow, depth,
     * and running into the statement's time limit. */
    static const char *const CALLERS_FAULT[] = {"42601", "22P02", "2201B", "42704",
                                                "22003", "54001", "57014"};
    for (size_t i = 0; i < ARRAY_COUNT(CALLERS_FAULT); i++) {
        if (strcmp(sqlstate, CALLERS_FAULT[i]) == 0) {
            bool late = strcmp(sqlstate, "57014") == 0;
            Problems problems;
            problems_init(&problems, &request->arena);
            problems_add(&problems, "value_error", "\"query\",\"custom_metadata\"",
                         late ? "The JSONPath expression takes too long" : message, NULL);
            response_problems(response, 422, &problems);
            return true;
        }
    }
    return false;
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
