/* SPDX-License-Identifier: Apache-2.0 */
/* A decided response on its way out; see exchange.h. */
#include <stdio.h>

#include "base/log.h"
#include "base/metrics.h"
#include "http/exchange.h"
#include "http/headers.h"
#include "http/problem.h"

enum { NUMBER_BYTES = 16 };

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    /* It refuses only what holds a newline or no value: the answer goes out without it. */
    (void)MHD_add_response_header(response, name, value);
}

static void add_headers(const Exchange *exchange, struct MHD_Response *answer)
{
    const Response *response = &exchange->response;
    if (response->body.length > 0 && response->status != MHD_HTTP_NOT_MODIFIED) {
        add_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE,
                   response->content_type == NULL ? "application/json" : response->content_type);
    }
    add_header(answer, "X-Request-Id", exchange->trace.request_id);
    if (exchange->request.headers.traceparent.bytes != NULL) {
        add_header(answer, "traceparent", exchange->trace.traceparent);
    }
    if (exchange->etag[0] != '\0') {
        add_header(answer, MHD_HTTP_HEADER_ETAG, exchange->etag);
    }
    if (response->location != NULL) {
        add_header(answer, MHD_HTTP_HEADER_LOCATION, response->location);
    }
    if (response->set_cookie != NULL) {
        add_header(answer, MHD_HTTP_HEADER_SET_COOKIE, response->set_cookie);
    }
    if (response->page_policy != NULL) {
        add_header(answer, "Content-Security-Policy", response->page_policy);
        add_header(answer, "X-Frame-Options", "DENY");
        add_header(answer, "X-Content-Type-Options", "nosniff");
        add_header(answer, "Referrer-Policy", "no-referrer");
    }
    if (response->no_store) {
        add_header(answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
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

/* The answer gets its tag; a client that has it already gets no body. libmicrohttpd sends none with
 * a 304, but the Content-Length of what is left out, as RFC 9110, 8.6, wants it: 0 would be a lie.
 */
static void tag_answer(Exchange *exchange)
{
    Response *response = &exchange->response;
    etag_of(buffer_view(&response->body), exchange->etag);
    if (etag_is_listed(exchange->request.headers.if_none_match, exchange->etag)) {
        response->status = MHD_HTTP_NOT_MODIFIED;
    }
}

static void finish_response(Exchange *exchange)
{
    Response *response = &exchange->response;
    if (response->status == MHD_HTTP_OK && exchange->endpoint->tagged) {
        tag_answer(exchange);
    }
    if (response->status >= MHD_HTTP_BAD_REQUEST &&
        accept_names(exchange->request.headers.accept, PROBLEM_MEDIA_TYPE)) {
        Text query = exchange->target;
        problem_write(response, text_split(&query, '?'), exchange->trace.request_id);
    }
}

static void count_answer(const Exchange *exchange, int64_t duration_us)
{
    size_t operation = exchange->match.operation;
    metric_add(
        METRIC_HTTP_REQUESTS,
        metric_series(METRIC_HTTP_REQUESTS, operation, metric_status(exchange->response.status)),
        1);
    metric_observe(METRIC_HTTP_SECONDS, operation, duration_us);
    if (exchange->response.status != MHD_HTTP_NOT_MODIFIED) {
        metric_add(METRIC_HTTP_BYTES, DIRECTION_OUT, (int64_t)exchange->response.body.length);
    }
    if (exchange->body_reserved > 0) {
        metric_add(METRIC_HTTP_BYTES, DIRECTION_IN, (int64_t)exchange->body_reserved);
    }
}

enum MHD_Result exchange_answer(Exchange *exchange)
{
    Buffer *body = &exchange->response.body;
    finish_response(exchange);
    int64_t duration_us = clock_monotonic_us(exchange->request.clock) - exchange->started_at_us;
    count_answer(exchange, duration_us);
    if (exchange->endpoint != NULL) {
        log_event(
            LOG_DEBUG, EVENT_REQUEST_ANSWERED, LOG_STRING("method", exchange->endpoint->method),
            LOG_STRING("path", exchange->endpoint->path),
            LOG_NUMBER("status", exchange->response.status), LOG_NUMBER("duration_us", duration_us),
            LOG_STRING("request_id", exchange->trace.request_id),
            LOG_STRING("trace_id", exchange->trace.trace_id));
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
