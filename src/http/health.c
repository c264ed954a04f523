/* SPDX-License-Identifier: Apache-2.0 */
/* The health endpoints; see health.h. */
#include "http/health.h"

#include "base/limits.h"
#include "http_sql.h"

static const Statement CHECK_DATABASE = {"check_database", SQL_CHECK_DATABASE, STATEMENT_READ, 0};

static void render_up(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    (void)result;
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_object(&writer);
    writer_key_string(&writer, "status", "UP");
    writer_end_object(&writer);
}

static void answer_down(Request *request, const char *reason, Response *response)
{
    (void)request;
    JsonWriter writer;
    response_begin(response, 503, &writer);
    writer_begin_object(&writer);
    writer_key_string(&writer, "status", "DOWN");
    writer_key_string(&writer, "reason", reason);
    writer_end_object(&writer);
    response->retry_after_seconds = RETRY_AFTER_SECONDS;
}

#define HEALTH_ENDPOINT(endpoint_path)                                                             \
    {                                                                                              \
        .method = "GET", .path = (endpoint_path), .permission = PERMISSION_PUBLIC,                 \
        .statement = &CHECK_DATABASE, .render = render_up, .unavailable = answer_down              \
    }

const Endpoint HEALTH_ENDPOINTS[] = {
    HEALTH_ENDPOINT("/health"),
    HEALTH_ENDPOINT("/v1/health"),
    HEALTH_ENDPOINT("/v1/healthz"),
};
const size_t HEALTH_ENDPOINT_COUNT = ARRAY_COUNT(HEALTH_ENDPOINTS);
