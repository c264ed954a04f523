/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a request through a shard; see exchange.h. */
#include "http/exchange.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/parse.h"
#include "http/admission.h"
#include "http/headers.h"
#include "http/query.h"

/* A buffer that grew beyond this is given back after its request. */
enum { KEPT_BYTES_MAX = 64 * 1024 };

/* A body that its sender goes on with after it was refused: give up past this. */
#define DRAINED_BYTES_MAX (2 * REQUEST_BODY_BYTES_MAX)

static void query_done(Query *query, QueryOutcome outcome, const PGresult *result);
static void run_on_pool(Work *work);

Exchange *exchange_create(Shard *shard)
{
    Exchange *exchange = ALLOC_NEW(Exchange);
    exchange->shard = shard;
    exchange->query.done = query_done;
    exchange->work.run = run_on_pool;
    arena_init(&exchange->request.arena);
    buffer_init(&exchange->body, DRAINED_BYTES_MAX);
    buffer_init(&exchange->response.body, RESPONSE_BYTES_MAX);
    return exchange;
}

void exchange_destroy(Exchange *exchange)
{
    if (exchange != NULL) {
        arena_clear(&exchange->request.arena);
        buffer_clear(&exchange->body);
        buffer_clear(&exchange->response.body);
        alloc_free(exchange);
    }
}

static const Clock *clock_of(const Exchange *exchange)
{
    return shard_options(exchange->shard)->service->context->clock;
}

static void buffer_recycle(Buffer *buffer)
{
    if (buffer->capacity > KEPT_BYTES_MAX) {
        buffer_clear(buffer);
    }
    buffer_reset(buffer);
}

/* "[…] a server MUST accept the absolute-form in requests" (RFC 9112, 3.2.2), as proxies send it;
 * what follows the host counts. */
static Text origin_form(Text target)
{
    static const char *const SCHEMES[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_COUNT(SCHEMES); i++) {
        if (text_starts_with(target, SCHEMES[i])) {
            size_t at = strlen(SCHEMES[i]);
            while (at < target.length && target.bytes[at] != '/' && target.bytes[at] != '?') {
                at++;
            }
            return text_from(target, at);
        }
    }
    return target;
}

void exchange_begin(Exchange *exchange, struct MHD_Connection *connection, const char *target)
{
    exchange->connection = connection;
    exchange->phase = EXCHANGE_NEW;
    exchange->lingers = false;
    exchange->abandoned = false;
    exchange->looks = 0;
    exchange->endpoint = NULL;
    exchange->bound = NULL;
    exchange->learnings = 0;
    exchange->caller = NULL;
    exchange->started_at_us = clock_monotonic_us(clock_of(exchange));
    exchange->response.status = 0;
    exchange->etag[0] = '\0';
    exchange->response.content_type = NULL;
    exchange->response.location = NULL;
    exchange->response.retry_after_seconds = 0;
    exchange->response.no_store = false;
    exchange->response.set_cookie = NULL;
    exchange->response.page_policy = NULL;
    exchange->request.clock = clock_of(exchange);
    exchange->request.context = shard_options(exchange->shard)->service->context;
    exchange->request.path_value_count = 0;
    exchange->request.query = NULL;
    exchange->request.query_count = 0;
    exchange->request.body = (Text){NULL, 0};
    exchange->request.state = NULL;
    principal_clear(&exchange->request.principal);
    /* The library changes its own copy when it looks for parameters. */
    Text text = origin_form(text_of(target));
    exchange->target = (Text){arena_string(&exchange->request.arena, text), text.length};
}

void exchange_end(Exchange *exchange)
{
    shard_unreserve(exchange->shard, exchange->body_reserved);
    exchange->body_reserved = 0;
    exchange->connection = NULL;
    arena_reset(&exchange->request.arena);
    buffer_recycle(&exchange->body);
    buffer_recycle(&exchange->response.body);
}

/* Headers. */

static void find_route(Exchange *exchange, const char *method)
{
    exchange->request.method = text_of(method);
    Text path = exchange->target;
    Text query = path;
    path = text_split(&query, '?');
    router_match(shard_options(exchange->shard)->router, exchange->request.method, path,
                 &exchange->request.arena, &exchange->match);
    exchange->endpoint = exchange->match.endpoint;
    exchange->request.path_value_count = exchange->match.value_count;
    memcpy(exchange->request.path_values, exchange->match.values,
           sizeof exchange->request.path_values);
    if (exchange->endpoint == NULL && exchange->match.allow[0] != '\0') {
        response_error(&exchange->response, 405, "Method Not Allowed");
    } else if (exchange->endpoint == NULL) {
        response_error(&exchange->response, 404, "Not Found");
    }
}

/* Two lengths, or a length beside Transfer-Encoding: a proxy in front may have seen another end of
 * the body, and what follows it as a request of somebody else's (RFC 9112, 11.2). */
static bool body_end_is_doubtful(const RequestHeaders *headers)
{
    Text length = headers->content_length;
    return length.bytes != NULL && (length.length == 0 || headers->transfer_encoding.bytes != NULL);
}

/* -1: not known before its end (chunked). */
static int64_t announced_bytes(const Exchange *exchange)
{
    const RequestHeaders *headers = &exchange->request.headers;
    if (headers->transfer_encoding.bytes != NULL) {
        return -1;
    }
    if (headers->content_length.bytes == NULL) {
        return 0;
    }
    int64_t bytes = 0;
    return parse_int64(headers->content_length, 0, INT64_MAX, &bytes) ? bytes : INT64_MAX;
}

static void refuse_body(Exchange *exchange)
{
    response_error(&exchange->response, 413, "The request body is larger than %ld bytes.",
                   REQUEST_BODY_BYTES_MAX);
}

static void open_body(Exchange *exchange)
{
    exchange->phase = EXCHANGE_BODY;
    if (exchange->response.status == 0 && announced_bytes(exchange) > REQUEST_BODY_BYTES_MAX) {
        refuse_body(exchange);
    }
}

void exchange_open(Exchange *exchange, const char *method)
{
    exchange->phase = EXCHANGE_BODY;
    RequestHeaders *headers = &exchange->request.headers;
    headers_read(exchange->connection, headers);
    trace_begin(&exchange->trace, headers->request_id, headers->traceparent, clock_of(exchange),
                shard_random(exchange->shard));
    if (exchange->target.length > REQUEST_URL_BYTES_MAX) {
        exchange->request.method = TEXT("");
        exchange->match = (RouteMatch){0};
        response_error(&exchange->response, 414, "URI Too Long");
        return;
    }
    find_route(exchange, method);
    if (body_end_is_doubtful(headers)) {
        response_error(&exchange->response, 400, "The length of the body is not clear.");
        exchange->response.problem = PROBLEM_MALFORMED_REQUEST;
        return;
    }
    if (exchange->endpoint != NULL && exchange->endpoint->permission != PERMISSION_PUBLIC) {
        admission_begin(exchange);
    } else {
        headers_read_address(exchange->connection, exchange->request.address);
    }
    if (exchange->phase != EXCHANGE_ADMITTING) {
        open_body(exchange);
    }
}

void exchange_admitted(Exchange *exchange)
{
    open_body(exchange);
}

bool exchange_answers_early(const Exchange *exchange)
{
    if (exchange->response.status == 0) {
        return false;
    }
    /* An early answer costs the connection; a small body is cheaper read and dropped. */
    int64_t bytes = announced_bytes(exchange);
    return bytes < 0 || bytes > BODY_INLINE_BYTES_MAX;
}

/* The body. */

bool exchange_take_body(Exchange *exchange, const char *bytes, size_t length)
{
    exchange->body_reserved += length;
    if (exchange->response.status == 0 &&
        exchange->body_reserved > (size_t)REQUEST_BODY_BYTES_MAX) {
        refuse_body(exchange);
    }
    if (!shard_reserve(exchange->shard, length) && exchange->response.status == 0) {
        response_error(&exchange->response, 503, "The server is busy with other large requests.");
        exchange->response.retry_after_seconds = RETRY_AFTER_SECONDS;
    }
    if (exchange->response.status == 0) {
        buffer_append(&exchange->body, bytes, length);
    }
    return exchange->body_reserved <= (size_t)DRAINED_BYTES_MAX;
}

/* All is there. */

static void answer_unavailable(Exchange *exchange, const char *reason)
{
    Response *response = &exchange->response;
    response->status = 0;
    if (exchange->endpoint->unavailable != NULL) {
        exchange->endpoint->unavailable(&exchange->request, reason, response);
    }
    if (response->status == 0) {
        response_error(response, 503, "The service is not available now: try again.");
        response->retry_after_seconds = RETRY_AFTER_SECONDS;
    }
}

static void decide(Exchange *exchange)
{
    Response *response = &exchange->response;
    if (response->status == 0 || response->body.overflow) {
        log_event(LOG_ERROR, EVENT_REQUEST_NO_ANSWER, LOG_STRING("path", exchange->endpoint->path),
                  LOG_NUMBER("overflow", response->body.overflow),
                  LOG_STRING("request_id", exchange->trace.request_id),
                  LOG_STRING("trace_id", exchange->trace.trace_id));
        response_error(response, 500, "Internal Server Error");
    }
    exchange->phase = EXCHANGE_DECIDED;
}

static void submit(Exchange *exchange)
{
    exchange->query.statement = exchange->bound;
    exchange->query.caller = exchange->caller;
    exchange->phase = EXCHANGE_WAITING;
    if (!pipeline_submit(shard_pipeline(exchange->shard), &exchange->query)) {
        answer_unavailable(exchange, "the queue is full");
        decide(exchange);
    }
}

static void after_bind(Exchange *exchange)
{
    if (exchange->bound == NULL) {
        decide(exchange);
    } else {
        submit(exchange);
    }
}

static void bind_now(Exchange *exchange)
{
    const Endpoint *endpoint = exchange->endpoint;
    exchange->query.parameters.count = 0;
    exchange->bound = endpoint->bind == NULL
                          ? endpoint->statement
                          : endpoint->bind(endpoint, &exchange->request,
                                           &exchange->query.parameters, &exchange->response);
}

static void check_texts(Exchange *exchange)
{
    Problems problems;
    problems_init(&problems, &exchange->request.arena);
    for (int i = 0; i < exchange->match.bad_count; i++) {
        problems_add(&problems, "string_unicode",
                     arena_format(&exchange->request.arena, "\"path\",\"%.*s\"",
                                  TEXT_ARGUMENTS(exchange->match.bad_names[i])),
                     "Input should be valid UTF-8 text without a null character", NULL);
    }
    Text query = exchange->target;
    Text path = text_split(&query, '?');
    (void)path;
    query_parse(query, &exchange->request, &problems);
    if (problems.count > 0) {
        response_problems(&exchange->response, 422, &problems);
    }
}

/* Either it comes back by exchange_bound or it is decided. */
static void bind_on_pool(Exchange *exchange)
{
    exchange->phase = EXCHANGE_WAITING;
    exchange->pooled_at_us = clock_monotonic_us(clock_of(exchange));
    metric_add(METRIC_POOL_QUEUED, 0, 1);
    if (!shard_pool(exchange->shard, &exchange->work)) {
        metric_add(METRIC_POOL_QUEUED, 0, -1);
        answer_unavailable(exchange, "the queue is full");
        decide(exchange);
    }
}

static bool is_bound_on_loop(const Exchange *exchange)
{
    const Endpoint *endpoint = exchange->endpoint;
    return endpoint->bind == NULL ||
           (!endpoint->pooled && exchange->body.length <= (size_t)BODY_INLINE_BYTES_MAX);
}

void exchange_run(Exchange *exchange)
{
    if (exchange->response.status == 0) {
        check_texts(exchange);
    }
    if (exchange->response.status != 0) {
        exchange->phase = EXCHANGE_DECIDED;
        return;
    }
    exchange->request.body = buffer_view(&exchange->body);
    if (is_bound_on_loop(exchange)) {
        bind_now(exchange);
        after_bind(exchange);
    } else {
        bind_on_pool(exchange);
    }
}

bool exchange_may_linger(const Exchange *exchange)
{
    return exchange->bound != NULL && exchange->bound->statement_class == STATEMENT_READ &&
           exchange->endpoint->learn == NULL && is_bound_on_loop(exchange);
}

static Exchange *exchange_of_work(Work *work)
{
    return (Exchange *)(void *)((char *)work - offsetof(Exchange, work));
}

static void run_on_pool(Work *work)
{
    Exchange *exchange = exchange_of_work(work);
    metric_add(METRIC_POOL_QUEUED, 0, -1);
    metric_observe(METRIC_POOL_WAIT_SECONDS, 0,
                   clock_monotonic_us(clock_of(exchange)) - exchange->pooled_at_us);
    bind_now(exchange);
    shard_return(exchange->shard, work);
}

static void resume_when_decided(Exchange *exchange)
{
    if (exchange->phase == EXCHANGE_DECIDED) {
        shard_wake(exchange->shard, exchange);
    }
}

void exchange_bound(Work *work)
{
    Exchange *exchange = exchange_of_work(work);
    if (exchange->phase == EXCHANGE_ADMITTING) {
        admission_go_on(exchange);
        shard_wake(exchange->shard, exchange);
        return;
    }
    after_bind(exchange);
    resume_when_decided(exchange);
}

/* The result. */

static const char *field_of(const PGresult *result, int field)
{
    const char *value = PQresultErrorField(result, field);
    return value == NULL ? "" : value;
}

/* Errors that pass by themselves: time limit, serialisation, deadlock, lock, connections, disk. */
static bool passes_by_itself(const char *sqlstate)
{
    static const char *const STATES[] = {"57014", "40001", "40P01", "55P03", "53", "08"};
    for (size_t i = 0; i < ARRAY_COUNT(STATES); i++) {
        if (strncmp(sqlstate, STATES[i], strlen(STATES[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void answer_failure(Exchange *exchange, const PGresult *result)
{
    const Endpoint *endpoint = exchange->endpoint;
    const char *sqlstate = field_of(result, PG_DIAG_SQLSTATE);
    const char *message = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
    if (endpoint->refuse != NULL &&
        endpoint->refuse(&exchange->request, sqlstate, message, &exchange->response)) {
        return;
    }
    log_event(LOG_ERROR, EVENT_REQUEST_STATEMENT_FAILED, LOG_STRING("path", endpoint->path),
              LOG_STRING("statement", exchange->bound->name), LOG_STRING("sqlstate", sqlstate),
              LOG_STRING("message", message), LOG_STRING("request_id", exchange->trace.request_id),
              LOG_STRING("trace_id", exchange->trace.trace_id));
    if (passes_by_itself(sqlstate)) {
        answer_unavailable(exchange, "the database could not do it in time");
    } else {
        response_error(&exchange->response, 500, "Internal Server Error");
    }
}

/* Whether the answer only taught what bind needs to know. */
static bool has_learned(Exchange *exchange, const PGresult *result)
{
    const Endpoint *endpoint = exchange->endpoint;
    return endpoint->learn != NULL && exchange->learnings < LEARNINGS_MAX &&
           endpoint->learn(&exchange->request, result);
}

static void query_done(Query *query, QueryOutcome outcome, const PGresult *result)
{
    Exchange *exchange = (Exchange *)(void *)query;
    if (exchange->abandoned) {
        shard_drop(exchange->shard, exchange);
        return;
    }
    if (exchange->phase == EXCHANGE_ADMITTING) {
        admission_answered(exchange, outcome, result);
        shard_wake(exchange->shard, exchange);
        return;
    }
    assert(exchange->phase == EXCHANGE_WAITING);
    switch (outcome) {
    case QUERY_ANSWERED:
        if (has_learned(exchange, result)) {
            exchange->learnings++;
            bind_on_pool(exchange);
            resume_when_decided(exchange);
            return;
        }
        exchange->endpoint->render(&exchange->request, result, &exchange->response);
        break;
    case QUERY_FAILED:
        answer_failure(exchange, result);
        break;
    case QUERY_UNAVAILABLE: {
        const char *trouble = pipeline_trouble(shard_pipeline(exchange->shard));
        answer_unavailable(exchange,
                           trouble[0] == '\0' ? "the database did not answer in time" : trouble);
        break;
    }
    }
    decide(exchange);
    resume_when_decided(exchange);
}
