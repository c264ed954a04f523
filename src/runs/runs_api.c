/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of runs; see runs_api.h. */
#include "runs/runs_api.h"

#include <stdlib.h>
#include <string.h>

#include "access/caller.h"
#include "base/limits.h"
#include "base/parse.h"
#include "http/inputs.h"
#include "http/listing.h"
#include "http/outcome.h"
#include "http/rows.h"
#include "runs/jsonpath.h"
#include "runs/queue_place.h"
#include "runs/run.h"
#include "runs/run_access.h"
#include "runs/run_scope.h"
#include "runs_sql.h"

static const Statement GET_RUN = {"get_run", SQL_GET_RUN, STATEMENT_READ, 6};
static const Statement LIST_RUNS = {"list_runs", SQL_LIST_RUNS, STATEMENT_READ, 3};
static const Statement FILTER_RUNS = {"filter_runs", SQL_SEARCH_RUNS, STATEMENT_FILTER, 14};
static const Statement SEARCH_RUNS = {"search_runs", SQL_SEARCH_RUNS, STATEMENT_SEARCH, 14};
static const Statement LIST_ORGANIZATION_RUNS = {"list_organization_runs",
                                                 SQL_LIST_ORGANIZATION_RUNS, STATEMENT_READ, 3};
static const Statement CANCEL_RUN = {"cancel_run", SQL_CANCEL_RUN, STATEMENT_WRITE, 4};
static const Statement DELETE_ARTIFACTS = {"delete_artifacts", SQL_DELETE_ARTIFACTS,
                                           STATEMENT_WRITE, 4};
static const Statement PUT_RUN_METADATA = {"put_run_metadata", SQL_PUT_RUN_METADATA,
                                           STATEMENT_WRITE, 7};

/* The columns of get_run.sql and of the lists of runs. */
enum {
    RUN_ID,
    APPLICATION_ID,
    VERSION_NUMBER,
    STATE,
    TERMINATION_REASON,
    ERROR_CODE,
    ERROR_TEXT,
    ITEM_COUNT,
    PENDING_COUNT,
    PROCESSING_COUNT,
    USER_ERROR_COUNT,
    SYSTEM_ERROR_COUNT,
    SKIPPED_COUNT,
    SUCCEEDED_COUNT,
    CUSTOM_METADATA,
    CUSTOM_METADATA_CHECKSUM,
    SUBMITTED_AT,
    SUBMITTED_BY,
    ORGANIZATION_ID,
    TERMINATED_AT,
    DUE_DATE,
    DEADLINE,
    QUEUE_CURVE,
    ALLOWED
};

static int64_t count_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static void write_statistics(JsonWriter *writer, const PGresult *result, int row)
{
    writer_key(writer, "statistics");
    writer_begin_object(writer);
    row_raw(writer, "item_count", result, row, ITEM_COUNT);
    row_raw(writer, "item_pending_count", result, row, PENDING_COUNT);
    row_raw(writer, "item_processing_count", result, row, PROCESSING_COUNT);
    row_raw(writer, "item_user_error_count", result, row, USER_ERROR_COUNT);
    row_raw(writer, "item_system_error_count", result, row, SYSTEM_ERROR_COUNT);
    row_raw(writer, "item_skipped_count", result, row, SKIPPED_COUNT);
    row_raw(writer, "item_succeeded_count", result, row, SUCCEEDED_COUNT);
    writer_end_object(writer);
}

static void write_scheduling(JsonWriter *writer, const PGresult *result, int row)
{
    writer_key(writer, "scheduling");
    if (PQgetisnull(result, row, DUE_DATE) && PQgetisnull(result, row, DEADLINE)) {
        writer_null(writer);
        return;
    }
    writer_begin_object(writer);
    row_timestamp(writer, "due_date", result, row, DUE_DATE);
    row_timestamp(writer, "deadline", result, row, DEADLINE);
    writer_end_object(writer);
}

static void write_run(JsonWriter *writer, const PGresult *result, int row)
{
    writer_begin_object(writer);
    row_string(writer, "run_id", result, row, RUN_ID);
    row_string(writer, "application_id", result, row, APPLICATION_ID);
    row_string(writer, "version_number", result, row, VERSION_NUMBER);
    row_string(writer, "state", result, row, STATE);
    writer_key_string(
        writer, "output",
        run_output(count_at(result, row, SUCCEEDED_COUNT), count_at(result, row, ITEM_COUNT)));
    row_string(writer, "termination_reason", result, row, TERMINATION_REASON);
    row_string(writer, "error_code", result, row, ERROR_CODE);
    row_string(writer, "error_message", result, row, ERROR_TEXT);
    write_statistics(writer, result, row);
    row_raw(writer, "custom_metadata", result, row, CUSTOM_METADATA);
    row_string(writer, "custom_metadata_checksum", result, row, CUSTOM_METADATA_CHECKSUM);
    row_timestamp(writer, "submitted_at", result, row, SUBMITTED_AT);
    row_string(writer, "submitted_by", result, row, SUBMITTED_BY);
    row_string(writer, "organization_id", result, row, ORGANIZATION_ID);
    row_timestamp(writer, "terminated_at", result, row, TERMINATED_AT);
    QueueCurve curve;
    bool waits = queue_curve_parse(PQgetvalue(result, row, QUEUE_CURVE), &curve);
    queue_place_write(writer, "num_preceding_items_org",
                      waits ? &curve.knots[0].organization : NULL);
    queue_place_write(writer, "num_preceding_items_platform",
                      waits ? &curve.knots[0].platform : NULL);
    write_scheduling(writer, result, row);
    writer_end_object(writer);
}

static const Statement *
bind_run(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    run_id_bind(request, parameters, &problems);
    caller_bind(request, parameters);
    return problems_refuse(&problems, response) ? NULL : endpoint->statement;
}

static const Statement *bind_viewed_run(const Endpoint *endpoint,
                                        Request *request,
                                        Parameters *parameters,
                                        Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    run_id_bind(request, parameters, &problems);
    viewer_bind(request, parameters);
    return problems_refuse(&problems, response) ? NULL : endpoint->statement;
}

static void render_run(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    if (PQntuples(result) == 0) {
        response_error(response, 404, RUN_NOT_FOUND_TEXT);
        response->problem = PROBLEM_RUN_NOT_FOUND;
        return;
    }
    if (*PQgetvalue(result, 0, ALLOWED) != 't') {
        response_error(response, 403, RUN_FORBIDDEN_TEXT);
        return;
    }
    JsonWriter writer;
    response_begin(response, 200, &writer);
    write_run(&writer, result, 0);
}

/* The statement for the newest of a scope that one index holds; NULL: none does. */
static const Statement *plain_statement(const Endpoint *endpoint, const RunScope *scope)
{
    if (scope->is_checked || (scope->submitted_by != NULL && scope->organization_id != NULL)) {
        return NULL;
    }
    return scope->submitted_by != NULL ? endpoint->statement : &LIST_ORGANIZATION_RUNS;
}

static const Statement *
bind_list(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    static const char *const SORTABLE[] = {"run_id",
                                           "application_id",
                                           "version_number",
                                           "application_version_id",
                                           "organization_id",
                                           "state",
                                           "status",
                                           "submitted_at",
                                           "submitted_by",
                                           "terminated_at",
                                           "termination_reason",
                                           "custom_metadata",
                                           NULL};
    Problems problems;
    problems_init(&problems, &request->arena);
    Listing listing;
    listing_read(request, SORTABLE, &listing, &problems);
    enum { JSONPATH_FILTER = 3 };
    const char *filters[] = {input_string(request, "application_id"),
                             input_string(request, "application_version"),
                             input_string(request, "external_id"), jsonpath_of(request, &problems)};
    if (problems_refuse(&problems, response)) {
        return NULL;
    }
    RunScope scope;
    if (!run_scope_read(request, &scope, response)) {
        return NULL;
    }
    const Statement *plain = plain_statement(endpoint, &scope);
    if (listing.sort_count > 0 && !listing_is_sorted_by(&listing, "submitted_at", true)) {
        plain = NULL;
    }
    if (plain != NULL && inputs_are_absent(filters, ARRAY_COUNT(filters))) {
        parameters_add(parameters,
                       scope.submitted_by != NULL ? scope.submitted_by : scope.organization_id);
        listing_bind_page(&listing, &request->arena, parameters);
        return plain;
    }
    run_scope_bind(&scope, request, parameters);
    parameters_add_all(parameters, filters, ARRAY_COUNT(filters));
    listing_bind(&listing, &request->arena, parameters);
    return filters[JSONPATH_FILTER] == NULL ? &FILTER_RUNS : &SEARCH_RUNS;
}

static void render_list(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    rows_render(result, write_run, response);
}

static void render_cancel(Request *request, const PGresult *result, Response *response)
{
    static const Outcome OUTCOMES[] = {
        {"CANCELLED", 202, NULL},
        {"NOT_FOUND", 404, RUN_NOT_FOUND_TEXT, PROBLEM_RUN_NOT_FOUND},
        {"FORBIDDEN", 403, RUN_FORBIDDEN_TEXT},
        {"ALREADY_TERMINATED", 409, "The run has already terminated", PROBLEM_RUN_TERMINATED},
        {NULL, 0, NULL},
    };
    (void)request;
    outcome_render(OUTCOMES, result, response);
}

static void render_delete(Request *request, const PGresult *result, Response *response)
{
    static const Outcome OUTCOMES[] = {
        {"DELETED", 200, NULL},
        {"NOT_FOUND", 404, RUN_NOT_FOUND_TEXT, PROBLEM_RUN_NOT_FOUND},
        {"FORBIDDEN", 403, RUN_FORBIDDEN_TEXT},
        {"NOT_TERMINATED", 409, "The run has not terminated yet", PROBLEM_RUN_NOT_TERMINATED},
        {"ALREADY_DELETED", 410, "The artifacts of the run have already been deleted",
         PROBLEM_ARTIFACTS_DELETED},
        {NULL, 0, NULL},
    };
    (void)request;
    outcome_render(OUTCOMES, result, response);
}

static const Statement *bind_metadata(const Endpoint *endpoint,
                                      Request *request,
                                      Parameters *parameters,
                                      Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    run_id_bind(request, parameters, &problems);
    metadata_bind(request, parameters, &problems);
    return problems_refuse(&problems, response) ? NULL : endpoint->statement;
}

static void render_metadata(Request *request, const PGresult *result, Response *response)
{
    metadata_render(request, result, RUN_NOT_FOUND_TEXT, response);
}

const Endpoint RUN_ENDPOINTS[] = {
    {"GET", "/v1/runs", PERMISSION_USER, &LIST_RUNS, bind_list, render_list, search_refuse},
    {"GET", "/v1/runs/{run_id}", PERMISSION_SHARED, &GET_RUN, bind_viewed_run, render_run,
     .tagged = true},
    {"POST", "/v1/runs/{run_id}/cancel", PERMISSION_USER, &CANCEL_RUN, bind_run, render_cancel,
     NULL},
    {"DELETE", "/v1/runs/{run_id}/artifacts", PERMISSION_USER, &DELETE_ARTIFACTS, bind_run,
     render_delete, NULL},
    {"PUT", "/v1/runs/{run_id}/custom-metadata", PERMISSION_USER, &PUT_RUN_METADATA, bind_metadata,
     render_metadata, NULL},
};
const size_t RUN_ENDPOINT_COUNT = ARRAY_COUNT(RUN_ENDPOINTS);
