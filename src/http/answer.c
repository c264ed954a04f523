/* SPDX-License-Identifier: Apache-2.0 */
/* A decided response on its way out; see exchange.h. */
#include <stdio.h>

#include "base/log.h"
#include "http/exchange.h"

enum { NUMBER_BYTES = 16 };

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    /* It refuses only what holds a newline or no value: the answer goes out without it. */
    (void)MHD_add_response_header(response, name, value);
}

static void add_headers(const Exchange *exchange, struct MHD_Response *answer)
{
    const Response *response = &exchange->response;
    if (response->body.length > 0) {
        add_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE,
                   response->content_type == NULL ? "application/json" : response->content_type);
    }
    if (response->location != NULL) {
        add_header(answer, MHD_HTTP_HEADER_LOCATION, response->location);
    }
    if (response->retry_after_seconds > 0) {
        char seconds[NUMBER_BYTES];
        snprintf(seconds, sizeof seconds, "%d", response->retry_after_seconds);
        add_header(answer, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    if (response->status == MHD_HTTP_UNAUTHORIZED) {
        add_header(answer, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    }
    if (response->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        add_header(answer, MHD_HTTP_HEADER_ALLOW, exchange->match.allow);
    }
    if (shard_stopping(exchange->shard)) {
        add_header(answer, MHD_HTTP_HEADER_CONNECTION, "close");
    }
}

enum MHD_Result exchange_answer(Exchange *exchange)
{
    Buffer *body = &exchange->response.body;
    if (exchange->endpoint != NULL) {
        log_event(LOG_DEBUG, "request.answered", LOG_STRING("method", exchange->endpoint->method),
                  LOG_STRING("path", exchange->endpoint->path),
                  LOG_NUMBER("status", exchange->response.status),
                  LOG_NUMBER("duration_us", clock_monotonic_us(exchange->request.clock) -
                                                exchange->started_at_us));
    }
    /* The body stays with the exchange, which lives until the last byte has gone. */
    struct MHD_Response *answer =
        MHD_create_response_from_buffer(body->length, body->bytes, MHD_RESPMEM_PERSISTENT);
    if (answer == NULL) {
        return MHD_NO;
    }
    add_headers(exchange, answer);
    exchange->phase = EXCHANGE_ANSWERED;
    enum MHD_Result queued =
        MHD_queue_response(exchange->connection, (unsigned)exchange->response.status, answer);
    MHD_destroy_response(answer);
    return queued;
}
