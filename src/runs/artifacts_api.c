/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint of artifacts; see artifacts_api.h. */
#include "runs/artifacts_api.h"

#include <string.h>

#include "access/caller.h"
#include "http/inputs.h"
#include "runs/artifact_url.h"
#include "runs/run_access.h"
#include "runs_sql.h"

static const Statement GET_ARTIFACT = {"get_artifact", SQL_GET_ARTIFACT, STATEMENT_READ, 7};

static const Statement *bind_artifact(const Endpoint *endpoint,
                                      Request *request,
                                      Parameters *parameters,
                                      Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    run_id_bind(request, parameters, &problems);
    viewer_bind(request, parameters);
    parameters_add(parameters, input_path_uuid(request, 1, "artifact_id", &problems));
    return problems_refuse(&problems, response) ? NULL : endpoint->statement;
}

static void render_artifact(Request *request, const PGresult *result, Response *response)
{
    enum { ALLOWED, NAME, OUTPUT, OBJECT_KEY };
    if (PQntuples(result) == 0) {
        response_error(response, 404, RUN_NOT_FOUND_TEXT);
        response->problem = PROBLEM_RUN_NOT_FOUND;
    } else if (*PQgetvalue(result, 0, ALLOWED) != 't') {
        response_error(response, 403, RUN_FORBIDDEN_TEXT);
    } else if (PQgetisnull(result, 0, NAME)) {
        response_error(response, 404, "Artifact not found");
    } else if (strcmp(PQgetvalue(result, 0, OUTPUT), "AVAILABLE") != 0) {
        response_error(response, 410, "The artifact has been deleted");
        response->problem = PROBLEM_ARTIFACTS_DELETED;
    } else {
        response_redirect(response, artifact_url(request, PQgetvalue(result, 0, OBJECT_KEY),
                                                 PQgetvalue(result, 0, NAME)));
    }
}

const Endpoint ARTIFACT_ENDPOINTS[] = {
    {"GET", "/v1/runs/{run_id}/artifacts/{artifact_id}/file", PERMISSION_SHARED, &GET_ARTIFACT,
     bind_artifact, render_artifact, NULL},
};
const size_t ARTIFACT_ENDPOINT_COUNT = ARRAY_COUNT(ARTIFACT_ENDPOINTS);
