/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to buckets between the HTTP library and their operations; see bucket_server.h. */
#include "buckets/bucket_server.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "buckets/s3_exchange.h"
#include "buckets_sql.h"

enum {
    ANSWER_BYTES_MAX = 16 * 1024 * 1024,  /* 1,000 keys of 1,024 bytes, each encoded as three */
    XML_BODY_BYTES_MAX = 4 * 1024 * 1024, /* 10,000 parts with their checksums */
    IGNORED_BYTES_MAX =
        64 * 1024 * 1024 /* of a body that is refused, so that its sender learns why */
};

static bool is_decided(const S3Exchange *exchange)
{
    return exchange->fault.code != S3_NONE || exchange->answer.status != 0;
}

/* Admitting. */

static bool find_key(S3Exchange *exchange)
{
    enum { ORGANIZATION_ID, BUCKET_NAME, SEALED_SECRET };
    const char *const values[] = {exchange->claim.access_key_id};
    AUTO_RESULT *rows = NULL;
    Error error = {0};
    if (!s3_run(exchange, SQL_FIND_BUCKET_KEY, values, 1, &rows)) {
        return false;
    }
    if (PQntuples(rows) == 0 ||
        !bucket_secret_open(&exchange->server->seal, values[0], PQgetvalue(rows, 0, SEALED_SECRET),
                            &exchange->secret, &error)) {
        return s3_refuse(exchange, S3_INVALID_ACCESS_KEY_ID,
                         "The access key id is not known: /v1/me has the one that counts.");
    }
    exchange->bucket_name =
        arena_string(&exchange->arena, text_of(PQgetvalue(rows, 0, BUCKET_NAME)));
    return true;
}

/* Of other buckets it is not told whether they exist. */
static bool check_bucket(S3Exchange *exchange)
{
    const char *named = exchange->request.bucket;
    return named == NULL || strcmp(named, exchange->bucket_name) == 0 ||
           s3_refuse(exchange, S3_ACCESS_DENIED, "The key has no access to this bucket.");
}

static bool open_body(S3Exchange *exchange)
{
    const S3Handler *handler = &S3_HANDLERS[exchange->request.operation];
    if (handler->body == S3_BODY_IGNORED) {
        return true;
    }
    exchange->body.bytes_max = XML_BODY_BYTES_MAX;
    exchange->body.too_large = S3_ENTITY_TOO_LARGE;
    return s3_body_open(&exchange->body, &exchange->request, &exchange->claim,
                        exchange->secret.text, &exchange->fault);
}

/* Who asks, and whether they may; then what comes before the body. */
static void admit(S3Exchange *exchange)
{
    S3Request *request = &exchange->request;
    int64_t now_us = clock_now_us(exchange->server->options.clock);
    if (!is_decided(exchange) &&
        s3_request_read(request, exchange->server->virtual_host, &exchange->fault) &&
        s3_auth_read(request, now_us, &exchange->claim, &exchange->fault) && find_key(exchange) &&
        s3_auth_verify(request, &exchange->claim, exchange->secret.text, &exchange->fault) &&
        check_bucket(exchange) && open_body(exchange)) {
        const S3Handler *handler = &S3_HANDLERS[request->operation];
        (void)(handler->begin == NULL || handler->begin(exchange)); /* the fault says it */
    }
}

/* The answer. */

static void write_fault(S3Exchange *exchange)
{
    S3Answer *answer = &exchange->answer;
    cleanup_fd(&answer->fd);
    answer->fd = -1;
    answer->header_count = 0;
    answer->status = s3_code_status(exchange->fault.code);
    buffer_reset(&answer->body);
    Text resource = exchange->request.target;
    s3_fault_write(&exchange->fault, text_split(&resource, '?'), exchange->id.text, &answer->body);
    s3_answer_header(exchange, MHD_HTTP_HEADER_CONTENT_TYPE, "application/xml");
}

static struct MHD_Response *make_response(S3Answer *answer)
{
    if (answer->fd < 0) {
        return MHD_create_response_from_buffer(answer->body.length, answer->body.bytes,
                                               MHD_RESPMEM_PERSISTENT);
    }
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(
        (uint64_t)answer->length, answer->fd, (uint64_t)answer->first);
    if (response != NULL) {
        answer->fd = -1; /* the response closes it */
    }
    return response;
}

static enum MHD_Result send_answer(S3Exchange *exchange)
{
    S3Answer *answer = &exchange->answer;
    if (answer->body.overflow) {
        s3_refuse(exchange, S3_INTERNAL_ERROR, "The answer became too large.");
    }
    if (exchange->fault.code != S3_NONE) {
        write_fault(exchange);
    }
    struct MHD_Response *response = make_response(answer);
    if (response == NULL) {
        return MHD_NO;
    }
    for (size_t i = 0; i < answer->header_count; i++) {
        (void)MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    }
    (void)MHD_add_response_header(response, "x-amz-request-id", exchange->id.text);
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result queued =
        MHD_queue_response(exchange->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* The body. */

static bool write_to_file(void *context, Text bytes, S3Fault *fault)
{
    S3Exchange *exchange = context;
    Error error = {0};
    (void)fault;
    metric_add(METRIC_OBJECT_BYTES, DIRECTION_IN, (int64_t)bytes.length);
    return upload_write(exchange->upload, bytes.bytes, bytes.length, &error) ||
           s3_fail(exchange, &error);
}

static bool append_to_document(void *context, Text bytes, S3Fault *fault)
{
    S3Exchange *exchange = context;
    (void)fault; /* the body's own limit is the document's */
    buffer_text(&exchange->document, bytes);
    return true;
}

/* False: the sender goes on for too long after it was refused. */
static bool take_body(S3Exchange *exchange, Text bytes)
{
    const S3Handler *handler = &S3_HANDLERS[exchange->request.operation];
    if (is_decided(exchange) || handler->body == S3_BODY_IGNORED) {
        exchange->ignored_bytes += (int64_t)bytes.length;
        return exchange->ignored_bytes <= IGNORED_BYTES_MAX;
    }
    S3Sink *sink = handler->body == S3_BODY_FILE ? write_to_file : append_to_document;
    if (!s3_body_take(&exchange->body, bytes, sink, exchange, &exchange->fault)) {
        upload_destroy(exchange->upload);
        exchange->upload = NULL;
    }
    return true;
}

/* A client that waits for "100 Continue" has sent no body yet. */
static bool waits_for_continue(const S3Exchange *exchange)
{
    const char *expect = s3_header(&exchange->request, "expect");
    return expect != NULL && strcasecmp(expect, "100-continue") == 0;
}

static enum MHD_Result receive(S3Exchange *exchange, Text bytes)
{
    if (bytes.length > 0) {
        return take_body(exchange, bytes) ? MHD_YES : MHD_NO;
    }
    if (!is_decided(exchange)) {
        (void)S3_HANDLERS[exchange->request.operation].finish(exchange); /* the fault says it */
    }
    return send_answer(exchange);
}

static enum MHD_Result serve(void *context, const char *method, const char *bytes, size_t *length)
{
    S3Exchange *exchange = context;
    if (exchange->admitted) {
        Text piece = {bytes, *length};
        *length = 0;
        return receive(exchange, piece);
    }
    exchange->admitted = true;
    exchange->request.method = arena_string(&exchange->arena, text_of(method));
    admit(exchange);
    return is_decided(exchange) && waits_for_continue(exchange) ? send_answer(exchange) : MHD_YES;
}

/* The life of an exchange. */

static enum MHD_Result
add_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    S3Exchange *exchange = context;
    if (exchange->request.header_count == S3_HEADERS_MAX) {
        s3_refuse(exchange, S3_INVALID_REQUEST, "The request has more than %d headers.",
                  S3_HEADERS_MAX);
        return MHD_NO;
    }
    char *lower = arena_string(&exchange->arena, text_of(name));
    for (char *c = lower; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    exchange->headers[exchange->request.header_count++] =
        (SigV4Field){lower, arena_string(&exchange->arena, text_of(value))};
    return MHD_YES;
}

static void *begin(void *context, struct MHD_Connection *connection, const char *target)
{
    S3Exchange *exchange = ALLOC_NEW(S3Exchange);
    exchange->server = context;
    exchange->connection = connection;
    arena_init(&exchange->arena);
    buffer_init(&exchange->answer.body, ANSWER_BYTES_MAX);
    buffer_init(&exchange->document, XML_BODY_BYTES_MAX);
    exchange->answer.fd = -1;
    exchange->id = uuid_create(exchange->server->options.clock);
    exchange->request =
        (S3Request){.arena = &exchange->arena,
                    .method = "",
                    .target = text_of(arena_string(&exchange->arena, text_of(target))),
                    .headers = exchange->headers};
    return exchange;
}

static void end(void *context, bool complete)
{
    S3Exchange *exchange = context;
    int status = exchange->answer.status;
    if (status != 0) {
        metric_add(METRIC_OBJECT_REQUESTS,
                   metric_series(METRIC_OBJECT_REQUESTS, object_method(exchange->request.method),
                                 metric_status(status)),
                   1);
        metric_add(METRIC_OBJECT_BYTES, DIRECTION_OUT, complete ? exchange->answer.length : 0);
    }
    upload_destroy(exchange->upload);
    s3_body_close(&exchange->body);
    bucket_secret_clear(&exchange->secret);
    buffer_clear(&exchange->document);
    buffer_clear(&exchange->answer.body);
    cleanup_fd(&exchange->answer.fd);
    arena_clear(&exchange->arena);
    alloc_free(exchange);
}

static void stop(void *context)
{
    BucketServer *server = context;
    atomic_store(&server->stopping, true);
}

ObjectProtocol bucket_server_protocol(BucketServer *server)
{
    return (ObjectProtocol){.context = server,
                            .begin = begin,
                            .add_header = add_header,
                            .serve = serve,
                            .end = end,
                            .stop = stop};
}

BucketServer *bucket_server_create(const BucketServerOptions *options)
{
    BucketServer *server = ALLOC_NEW(BucketServer);
    server->options = *options;
    bucket_seal_init(&server->seal, options->url_signing_key);
    server->database = bucket_database_create(&options->database, options->clock);
    server->virtual_host = bucket_url_host(options->object_url);
    return server;
}

void bucket_server_destroy(BucketServer *server)
{
    if (server == NULL) {
        return;
    }
    bucket_database_destroy(server->database);
    bucket_seal_clear(&server->seal);
    alloc_free(server->virtual_host);
    alloc_free(server);
}
