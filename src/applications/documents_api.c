/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of documents; see documents_api.h. */
#include "applications/documents_api.h"

#include "applications_sql.h"
#include "http/rows.h"
#include "http/server.h"

static const Statement LIST_DOCUMENTS = {"list_documents", SQL_LIST_DOCUMENTS, STATEMENT_READ, 3};
static const Statement GET_DOCUMENT = {"get_document", SQL_GET_DOCUMENT, STATEMENT_READ, 4};

/* The redirect is followed at once. */
enum { DOCUMENT_SECONDS = 300 };

/* The columns of both statements; the last one is get_document's alone. */
enum { NAME, DOCUMENT_ID, MIME_TYPE, VISIBILITY, CREATED_AT, UPDATED_AT, OBJECT_KEY };

static const Statement *
bind_version(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)response;
    parameters_add(parameters, arena_string(&request->arena, request->path_values[0]));
    parameters_add(parameters, arena_string(&request->arena, request->path_values[1]));
    parameters_add(parameters, request->principal.organization_id);
    return endpoint->statement;
}

static const Statement *bind_document(const Endpoint *endpoint,
                                      Request *request,
                                      Parameters *parameters,
                                      Response *response)
{
    const Statement *statement = bind_version(endpoint, request, parameters, response);
    parameters_add(parameters, arena_string(&request->arena, request->path_values[2]));
    return statement;
}

static void write_document(JsonWriter *writer, const PGresult *result, int row)
{
    writer_begin_object(writer);
    row_string(writer, "id", result, row, DOCUMENT_ID);
    row_string(writer, "name", result, row, NAME);
    row_string(writer, "mime_type", result, row, MIME_TYPE);
    row_string(writer, "visibility", result, row, VISIBILITY);
    row_timestamp(writer, "created_at", result, row, CREATED_AT);
    row_timestamp(writer, "updated_at", result, row, UPDATED_AT);
    writer_end_object(writer);
}

/* Answers 404 when the version is not for the caller. */
static bool version_is_visible(const PGresult *result, Response *response)
{
    if (PQntuples(result) > 0) {
        return true;
    }
    response_error(response, 404, "Application version not found");
    response->problem = PROBLEM_VERSION_NOT_FOUND;
    return false;
}

static bool document_is_visible(const PGresult *result, Response *response)
{
    if (!version_is_visible(result, response)) {
        return false;
    }
    if (PQgetisnull(result, 0, NAME)) {
        response_error(response, 404, "Document not found");
        return false;
    }
    return true;
}

static void render_list(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    if (!version_is_visible(result, response)) {
        return;
    }
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_array(&writer);
    for (int row = 0; row < PQntuples(result) && !PQgetisnull(result, row, NAME); row++) {
        write_document(&writer, result, row);
    }
    writer_end_array(&writer);
}

static void render_document(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    if (document_is_visible(result, response)) {
        JsonWriter writer;
        response_begin(response, 200, &writer);
        write_document(&writer, result, 0);
    }
}

static void redirect(Request *request, const PGresult *result, bool as_file, Response *response)
{
    if (!document_is_visible(result, response)) {
        return;
    }
    const ServedObject object = {.object_key = PQgetvalue(result, 0, OBJECT_KEY),
                                 .file_name = as_file ? PQgetvalue(result, 0, NAME) : NULL,
                                 .media_type = PQgetvalue(result, 0, MIME_TYPE)};
    response_redirect(response, server_sign_object(request, &object, DOCUMENT_SECONDS));
}

/* To be saved under its name. */
static void render_file(Request *request, const PGresult *result, Response *response)
{
    redirect(request, result, true, response);
}

/* To be shown in place. */
static void render_content(Request *request, const PGresult *result, Response *response)
{
    redirect(request, result, false, response);
}

#define DOCUMENTS_PATH "/v1/applications/{application_id}/versions/{version}/documents"

const Endpoint DOCUMENT_ENDPOINTS[] = {
    {"GET", DOCUMENTS_PATH, PERMISSION_USER, &LIST_DOCUMENTS, bind_version, render_list, NULL},
    {"GET", DOCUMENTS_PATH "/{name}", PERMISSION_USER, &GET_DOCUMENT, bind_document,
     render_document, NULL},
    {"GET", DOCUMENTS_PATH "/{name}/file", PERMISSION_USER, &GET_DOCUMENT, bind_document,
     render_file, NULL},
    {"GET", DOCUMENTS_PATH "/{name}/content", PERMISSION_USER, &GET_DOCUMENT, bind_document,
     render_content, NULL},
};
const size_t DOCUMENT_ENDPOINT_COUNT = ARRAY_COUNT(DOCUMENT_ENDPOINTS);
