/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI document and its explorer; see description.h. */
#include "http/description.h"

#include "base/alloc.h"
#include "base/file.h"
#include "http/server.h"
#include "http_openapi.h"

/* Swagger UI's program has 1.5 MB. */
enum { EXPLORER_FILE_BYTES_MAX = 8 << 20 };

typedef enum ExplorerFile {
    EXPLORER_STYLE,
    EXPLORER_PROGRAM,
    EXPLORER_LICENSE,
    EXPLORER_FILE_COUNT
} ExplorerFile;

static const struct {
    const char *name;
    const char *content_type;
} FILES[EXPLORER_FILE_COUNT] = {
    [EXPLORER_STYLE] = {"swagger-ui.css", "text/css; charset=utf-8"},
    [EXPLORER_PROGRAM] = {"swagger-ui-bundle.js", "text/javascript; charset=utf-8"},
    [EXPLORER_LICENSE] = {"LICENSE", "text/plain; charset=utf-8"},
};

struct Explorer {
    char *bytes[EXPLORER_FILE_COUNT];
    size_t length[EXPLORER_FILE_COUNT];
};

bool explorer_open(const char *folder, Explorer **explorer_out, Error *error)
{
    Explorer *explorer = ALLOC_NEW(Explorer);
    for (int i = 0; i < EXPLORER_FILE_COUNT; i++) {
        AUTO_FREE char *path = alloc_format("%s/%s", folder, FILES[i].name);
        if (!file_read(path, EXPLORER_FILE_BYTES_MAX, &explorer->bytes[i], &explorer->length[i],
                       error)) {
            explorer_close(explorer);
            return error_context(error, "the explorer's files");
        }
    }
    *explorer_out = explorer;
    return true;
}

void explorer_close(Explorer *explorer)
{
    if (explorer == NULL) {
        return;
    }
    for (int i = 0; i < EXPLORER_FILE_COUNT; i++) {
        alloc_free(explorer->bytes[i]);
    }
    alloc_free(explorer);
}

static void answer_text(Response *response, const char *content_type, Text text)
{
    response->status = 200;
    response->content_type = content_type;
    buffer_append(&response->body, text.bytes, text.length);
}

static const Statement *bind_document(const Endpoint *endpoint,
                                      Request *request,
                                      Parameters *parameters,
                                      Response *response)
{
    (void)endpoint;
    (void)request;
    (void)parameters;
    answer_text(response, NULL, text_of(JSON_OPENAPI));
    return NULL;
}

static const Explorer *explorer_of(const Request *request)
{
    const ServerContext *context = request->context;
    return context->explorer;
}

static const Statement *
bind_page(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)endpoint;
    (void)parameters;
    if (explorer_of(request) == NULL) {
        response_error(response, 404,
                       "The explorer is not installed (make explorer); the document itself is at "
                       "/api/v1/openapi.json");
    } else {
        answer_text(response, "text/html; charset=utf-8", text_of(HTML_INDEX));
    }
    return NULL;
}

static const Statement *
bind_file(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)endpoint;
    (void)parameters;
    const Explorer *explorer = explorer_of(request);
    if (explorer != NULL && text_is(request->path_values[0], "start.js")) {
        answer_text(response, "text/javascript; charset=utf-8", text_of(JS_START));
        return NULL;
    }
    for (int i = 0; explorer != NULL && i < EXPLORER_FILE_COUNT; i++) {
        if (text_is(request->path_values[0], FILES[i].name)) {
            answer_text(response, FILES[i].content_type,
                        (Text){explorer->bytes[i], explorer->length[i]});
            return NULL;
        }
    }
    response_error(response, 404, "Not Found");
    return NULL;
}

const Endpoint DESCRIPTION_ENDPOINTS[] = {
    {.method = "GET",
     .path = "/v1/openapi.json",
     .permission = PERMISSION_PUBLIC,
     .bind = bind_document},
    {.method = "GET", .path = "/v1/docs", .permission = PERMISSION_PUBLIC, .bind = bind_page},
    {.method = "GET",
     .path = "/v1/docs/{name}",
     .permission = PERMISSION_PUBLIC,
     .bind = bind_file},
};
const size_t DESCRIPTION_ENDPOINT_COUNT = ARRAY_COUNT(DESCRIPTION_ENDPOINTS);
