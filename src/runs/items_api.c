/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of items; see items_api.h. The three reading statements share one form of rows. */
#include "runs/items_api.h"

#include <string.h>

#include "access/caller.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/uuid.h"
#include "http/inputs.h"
#include "http/listing.h"
#include "http/rows.h"
#include "runs/artifact_url.h"
#include "runs/jsonpath.h"
#include "runs/queue_place.h"
#include "runs/run_access.h"
#include "runs_sql.h"

static const Statement LIST_ITEMS = {"list_items", SQL_LIST_ITEMS, STATEMENT_READ, 8};
static const Statement FILTER_ITEMS = {"filter_items", SQL_SEARCH_ITEMS, STATEMENT_FILTER, 15};
static const Statement SEARCH_ITEMS = {"search_items", SQL_SEARCH_ITEMS, STATEMENT_SEARCH, 15};
static const Statement GET_ITEM = {"get_item", SQL_GET_ITEM, STATEMENT_READ, 7};
static const Statement PUT_ITEM_METADATA = {"put_item_metadata", SQL_PUT_ITEM_METADATA,
                                            STATEMENT_WRITE, 8};

#define ITEM_NOT_FOUND_TEXT "Item not found"

/* The columns of the item statements. */
enum {
    KIND,
    ID,
    NAME,
    METADATA,
    METADATA_CHECKSUM,
    STATE,
    REASON,
    ERROR_CODE,
    ERROR_TEXT,
    ENDED_AT,
    URL,
    MIME_TYPE,
    QUEUE
};

static bool kind_is(const PGresult *result, int row, const char *kind)
{
    return row < PQntuples(result) && strcmp(PQgetvalue(result, row, KIND), kind) == 0;
}

static void write_input(JsonWriter *writer, const PGresult *result, int row)
{
    writer_begin_object(writer);
    row_string(writer, "input_artifact_id", result, row, ID);
    row_string(writer, "name", result, row, NAME);
    row_raw(writer, "metadata", result, row, METADATA);
    row_string(writer, "download_url", result, row, URL);
    writer_end_object(writer);
}

static void write_output(JsonWriter *writer, Request *request, const PGresult *result, int row)
{
    bool available = strcmp(PQgetvalue(result, row, STATE), "AVAILABLE") == 0;
    writer_begin_object(writer);
    row_string(writer, "output_artifact_id", result, row, ID);
    row_string(writer, "name", result, row, NAME);
    row_raw(writer, "metadata", result, row, METADATA);
    writer_key_string(writer, "state", "TERMINATED");
    writer_key_string(writer, "termination_reason", "SUCCEEDED");
    row_string(writer, "output", result, row, STATE);
    writer_key_string(writer, "error_code", NULL);
    writer_key_string(writer, "error_message", NULL);
    writer_key_string(writer, "download_url",
                      !available ? NULL
                                 : artifact_url(request, PQgetvalue(result, row, URL),
                                                PQgetvalue(result, row, NAME)));
    writer_end_object(writer);
}

/* Integers while the item waits, else null. Its place may be of a moment in which the curve of its
 * run is gone already. */
static void write_positions(JsonWriter *writer, const PGresult *result, int row)
{
    int64_t place = 0;
    QueueCurve curve;
    bool waits = parse_int64(text_of(PQgetvalue(result, row, QUEUE)), 0, RUN_ITEMS_MAX, &place) &&
                 queue_curve_parse(PQgetvalue(result, 0, QUEUE), &curve);
    QueueKnot knot = waits ? queue_curve_at(&curve, (int)place) : (QueueKnot){0};
    queue_place_write(writer, "queue_position_org", waits ? &knot.organization : NULL);
    queue_place_write(writer, "queue_position_platform", waits ? &knot.platform : NULL);
}

/* Writes the item at `row` with its artifacts; returns the row behind them. */
static int write_item(JsonWriter *writer, Request *request, const PGresult *result, int row)
{
    const char *reason = row_value(result, row, REASON);
    bool succeeded = reason != NULL && strcmp(reason, "SUCCEEDED") == 0;
    writer_begin_object(writer);
    row_string(writer, "item_id", result, row, ID);
    row_string(writer, "external_id", result, row, NAME);
    row_raw(writer, "custom_metadata", result, row, METADATA);
    row_string(writer, "custom_metadata_checksum", result, row, METADATA_CHECKSUM);
    write_positions(writer, result, row);
    row_string(writer, "state", result, row, STATE);
    writer_key_string(writer, "output", succeeded ? "FULL" : "NONE");
    row_string(writer, "termination_reason", result, row, REASON);
    row_string(writer, "error_code", result, row, ERROR_CODE);
    row_string(writer, "error_message", result, row, ERROR_TEXT);
    row_timestamp(writer, "terminated_at", result, row, ENDED_AT);
    row++;
    writer_key(writer, "input_artifacts");
    writer_begin_array(writer);
    for (; kind_is(result, row, "input"); row++) {
        write_input(writer, result, row);
    }
    writer_end_array(writer);
    writer_key(writer, "output_artifacts");
    writer_begin_array(writer);
    for (; kind_is(result, row, "output"); row++) {
        write_output(writer, request, result, row);
    }
    writer_end_array(writer);
    writer_end_object(writer);
    return row;
}

/* Answers 404 or 403 when the run is missing or foreign. */
static bool run_is_visible(const PGresult *result, Response *response)
{
    if (PQntuples(result) == 0) {
        response_error(response, 404, RUN_NOT_FOUND_TEXT);
        response->problem = PROBLEM_RUN_NOT_FOUND;
        return false;
    }
    if (!kind_is(result, 0, "run")) {
        response_error(response, 403, RUN_FORBIDDEN_TEXT);
        return false;
    }
    return true;
}

static void render_list(Request *request, const PGresult *result, Response *response)
{
    if (!run_is_visible(result, response)) {
        return;
    }
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_array(&writer);
    for (int row = 1; row < PQntuples(result);) {
        row = write_item(&writer, request, result, row);
    }
    writer_end_array(&writer);
}

static void render_item(Request *request, const PGresult *result, Response *response)
{
    if (!run_is_visible(result, response)) {
        return;
    }
    if (!kind_is(result, 1, "item")) {
        response_error(response, 404, ITEM_NOT_FOUND_TEXT);
        response->problem = PROBLEM_ITEM_NOT_FOUND;
        return;
    }
    JsonWriter writer;
    response_begin(response, 200, &writer);
    write_item(&writer, request, result, 1);
}

static void check_item_ids(Request *request, Problems *problems)
{
    for (size_t index = 0;; index++) {
        Text value = request_query_at(request, "item_id__in", index);
        Uuid uuid;
        if (value.bytes == NULL) {
            return;
        }
        if (!uuid_parse(value, &uuid)) {
            problems_add(problems, "uuid_parsing",
                         arena_format(&request->arena, "\"query\",\"item_id__in\",%zu", index),
                         "Input should be a valid UUID", NULL);
        }
    }
}

static const Statement *
bind_list(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    static const char *const SORTABLE[] = {"item_id",
                                           "run_id",
                                           "external_id",
                                           "custom_metadata",
                                           "terminated_at",
                                           "termination_reason",
                                           NULL};
    static const char *const STATES[] = {"PENDING", "PROCESSING", "TERMINATED", NULL};
    static const char *const REASONS[] = {"SUCCEEDED", "USER_ERROR", "SYSTEM_ERROR", "SKIPPED",
                                          NULL};
    Problems problems;
    problems_init(&problems, &request->arena);
    run_id_bind(request, parameters, &problems);
    Listing listing;
    listing_read(request, SORTABLE, &listing, &problems);
    check_item_ids(request, &problems);
    enum { JSONPATH_FILTER = 4 };
    const char *filters[] = {listing_array(request, "item_id__in", &problems),
                             listing_array(request, "external_id__in", &problems),
                             input_word(request, "state", STATES, &problems),
                             input_word(request, "termination_reason", REASONS, &problems),
                             jsonpath_of(request, &problems)};
    if (problems_refuse(&problems, response)) {
        return NULL;
    }
    viewer_bind(request, parameters);
    if (listing.sort_count == 0 && inputs_are_absent(filters, ARRAY_COUNT(filters))) {
        listing_bind_page(&listing, &request->arena, parameters);
        return endpoint->statement;
    }
    parameters_add_all(parameters, filters, ARRAY_COUNT(filters));
    listing_bind(&listing, &request->arena, parameters);
    return filters[JSONPATH_FILTER] == NULL ? &FILTER_ITEMS : &SEARCH_ITEMS;
}

static const Statement *
bind_item(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    run_id_bind(request, parameters, &problems);
    viewer_bind(request, parameters);
    parameters_add(parameters, arena_string(&request->arena, request->path_values[1]));
    return problems_refuse(&problems, response) ? NULL : endpoint->statement;
}

static const Statement *bind_metadata(const Endpoint *endpoint,
                                      Request *request,
                                      Parameters *parameters,
                                      Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    run_id_bind(request, parameters, &problems);
    parameters_add(parameters, arena_string(&request->arena, request->path_values[1]));
    metadata_bind(request, parameters, &problems);
    return problems_refuse(&problems, response) ? NULL : endpoint->statement;
}

static void render_metadata(Request *request, const PGresult *result, Response *response)
{
    metadata_render(request, result, ITEM_NOT_FOUND_TEXT, response);
}

const Endpoint ITEM_ENDPOINTS[] = {
    {"GET", "/v1/runs/{run_id}/items", PERMISSION_SHARED, &LIST_ITEMS, bind_list, render_list,
     search_refuse, .tagged = true},
    {"GET", "/v1/runs/{run_id}/items/{external_id}", PERMISSION_SHARED, &GET_ITEM, bind_item,
     render_item, .tagged = true},
    {"PUT", "/v1/runs/{run_id}/items/{external_id}/custom-metadata", PERMISSION_USER,
     &PUT_ITEM_METADATA, bind_metadata, render_metadata, NULL},
};
const size_t ITEM_ENDPOINT_COUNT = ARRAY_COUNT(ITEM_ENDPOINTS);
