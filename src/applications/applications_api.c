/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of applications; see applications_api.h. */
#include "applications/applications_api.h"

#include "applications/semver.h"
#include "applications_sql.h"
#include "http/listing.h"
#include "http/rows.h"

static const Statement LIST_APPLICATIONS = {"list_applications", SQL_LIST_APPLICATIONS,
                                            STATEMENT_READ, 5};
static const Statement GET_APPLICATION = {"get_application", SQL_GET_APPLICATION, STATEMENT_READ,
                                          2};
static const Statement GET_VERSION = {"get_version", SQL_GET_VERSION, STATEMENT_READ, 3};

static const Statement *
bind_list(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    static const char *const SORTABLE[] = {"application_id", "name", "description",
                                           "regulatory_classes", NULL};
    Problems problems;
    problems_init(&problems, &request->arena);
    Listing listing;
    listing_read(request, SORTABLE, &listing, &problems);
    if (problems_refuse(&problems, response)) {
        return NULL;
    }
    parameters_add(parameters, request->principal.organization_id);
    listing_bind(&listing, &request->arena, parameters);
    return endpoint->statement;
}

static void write_version(JsonWriter *writer, const PGresult *result, int row, int number_column)
{
    writer_begin_object(writer);
    row_string(writer, "number", result, row, number_column);
    row_timestamp(writer, "released_at", result, row, number_column + 1);
    writer_end_object(writer);
}

static void write_application(JsonWriter *writer, const PGresult *result, int row)
{
    enum { APPLICATION_ID, NAME, REGULATORY_CLASSES, DESCRIPTION, LATEST_NUMBER };
    writer_begin_object(writer);
    row_string(writer, "application_id", result, row, APPLICATION_ID);
    row_string(writer, "name", result, row, NAME);
    row_raw(writer, "regulatory_classes", result, row, REGULATORY_CLASSES);
    row_string(writer, "description", result, row, DESCRIPTION);
    writer_key(writer, "latest_version");
    write_version(writer, result, row, LATEST_NUMBER);
    writer_end_object(writer);
}

static void render_list(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    rows_render(result, write_application, response);
}

static const Statement *bind_application(const Endpoint *endpoint,
                                         Request *request,
                                         Parameters *parameters,
                                         Response *response)
{
    (void)response;
    parameters_add(parameters, arena_string(&request->arena, request->path_values[0]));
    parameters_add(parameters, request->principal.organization_id);
    return endpoint->statement;
}

static void render_application(Request *request, const PGresult *result, Response *response)
{
    enum { NAME, REGULATORY_CLASSES, DESCRIPTION, NUMBER };
    if (PQntuples(result) == 0) {
        response_error(response, 404, "application not found");
        response->problem = PROBLEM_APPLICATION_NOT_FOUND;
        return;
    }
    if (PQgetisnull(result, 0, NUMBER)) {
        response_error(response, 403, "You do not have permission to see this application");
        return;
    }
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_object(&writer);
    writer_key(&writer, "application_id");
    writer_text(&writer, request->path_values[0]);
    row_string(&writer, "name", result, 0, NAME);
    row_raw(&writer, "regulatory_classes", result, 0, REGULATORY_CLASSES);
    row_string(&writer, "description", result, 0, DESCRIPTION);
    writer_key(&writer, "versions");
    writer_begin_array(&writer);
    for (int row = 0; row < PQntuples(result); row++) {
        write_version(&writer, result, row, NUMBER);
    }
    writer_end_array(&writer);
    writer_end_object(&writer);
}

static const Statement *
bind_version(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    if (!semver_is_valid(request->path_values[1])) {
        Problems problems;
        problems_init(&problems, &request->arena);
        problems_add(&problems, "string_pattern_mismatch", "\"path\",\"version\"",
                     "Input should be a semantic version", NULL);
        response_problems(response, 422, &problems);
        return NULL;
    }
    parameters_add(parameters, arena_string(&request->arena, request->path_values[0]));
    parameters_add(parameters, arena_string(&request->arena, request->path_values[1]));
    parameters_add(parameters, request->principal.organization_id);
    return endpoint->statement;
}

static void render_version(Request *request, const PGresult *result, Response *response)
{
    enum { NUMBER, CHANGELOG, INPUT_ARTIFACTS, OUTPUT_ARTIFACTS, RELEASED_AT, ALLOWED };
    (void)request;
    if (PQntuples(result) == 0 || *PQgetvalue(result, 0, ALLOWED) != 't') {
        response_error(response, 404, "Application version not found");
        response->problem = PROBLEM_VERSION_NOT_FOUND;
        return;
    }
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_object(&writer);
    row_string(&writer, "version_number", result, 0, NUMBER);
    row_string(&writer, "changelog", result, 0, CHANGELOG);
    row_raw(&writer, "input_artifacts", result, 0, INPUT_ARTIFACTS);
    row_raw(&writer, "output_artifacts", result, 0, OUTPUT_ARTIFACTS);
    row_timestamp(&writer, "released_at", result, 0, RELEASED_AT);
    writer_end_object(&writer);
}

const Endpoint APPLICATION_ENDPOINTS[] = {
    {"GET", "/v1/applications", PERMISSION_USER, &LIST_APPLICATIONS, bind_list, render_list, NULL},
    {"GET", "/v1/applications/{application_id}", PERMISSION_USER, &GET_APPLICATION,
     bind_application, render_application, NULL},
    {"GET", "/v1/applications/{application_id}/versions/{version}", PERMISSION_USER, &GET_VERSION,
     bind_version, render_version, NULL},
};
const size_t APPLICATION_ENDPOINT_COUNT = ARRAY_COUNT(APPLICATION_ENDPOINTS);
