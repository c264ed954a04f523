/* SPDX-License-Identifier: Apache-2.0 */
/* Serving objects; see object_server.h. */
#include "http/object_server.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/parse.h"
#include "base/percent.h"
#include "http/etag.h"
#include "http/listener.h"
#include "http/open_request.h"
#include "http/range.h"
#include "http/response.h"

#define OBJECTS_PATH "/objects/"

enum {
    OBJECT_CONNECTIONS_MAX = 512,
    OBJECT_STACK_BYTES = 512 * 1024,
    OBJECT_IDLE_SECONDS = 120,
    CONNECTION_MEMORY_BYTES = 128 * 1024, /* half of it is what one read of an upload takes */
    ERROR_BODY_BYTES_MAX = 4096,
    HEADER_BYTES = 128,
    DISPOSITION_BYTES_MAX = 8192
};

struct ObjectServer {
    ObjectServerOptions options;
    struct MHD_Daemon *daemon;
};

/* One request. */
typedef struct Transfer {
    void *other; /* a request of the other protocol: the rest is empty */
    char *target;
    bool opened;
    size_t method;      /* METHOD_GET, … */
    int status;         /* of the answer; 0: none yet */
    int64_t body_bytes; /* of the object, or its part, that the answer carries */
    ObjectUpload *upload;
    Response response; /* status 0: nothing went wrong yet */
} Transfer;

static void *on_target(void *argument, const char *target, struct MHD_Connection *connection)
{
    const ObjectServer *server = argument;
    const ObjectProtocol *other = &server->options.other;
    Transfer *transfer = ALLOC_NEW(Transfer);
    open_request_set(connection, transfer);
    if (other->context != NULL && !text_starts_with(text_of(target), OBJECTS_PATH)) {
        transfer->other = other->begin(other->context, connection, target);
        return transfer;
    }
    transfer->target = alloc_string(target);
    buffer_init(&transfer->response.body, ERROR_BODY_BYTES_MAX);
    return transfer;
}

/* What went out before a download broke off is not known: only complete ones are counted. */
static void count_transfer(const Transfer *transfer, bool complete)
{
    if (transfer->status != 0) {
        metric_add(METRIC_OBJECT_REQUESTS,
                   metric_series(METRIC_OBJECT_REQUESTS, transfer->method,
                                 metric_status(transfer->status)),
                   1);
        metric_add(METRIC_OBJECT_BYTES, DIRECTION_OUT, complete ? transfer->body_bytes : 0);
    }
}

static void end_transfer(const ObjectServer *server, Transfer *transfer, bool complete)
{
    if (transfer->other != NULL) {
        server->options.other.end(transfer->other, complete);
    } else {
        count_transfer(transfer, complete);
        upload_destroy(transfer->upload);
        buffer_clear(&transfer->response.body);
        alloc_free(transfer->target);
    }
    alloc_free(transfer);
}

static void on_completed(void *argument,
                         struct MHD_Connection *connection,
                         void **place,
                         enum MHD_RequestTerminationCode how)
{
    Transfer *transfer = *place;
    *place = NULL;
    if (transfer != NULL) {
        open_request_set(connection, NULL);
        end_transfer(argument, transfer, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    }
}

static void on_connection(void *argument,
                          struct MHD_Connection *connection,
                          void **place,
                          enum MHD_ConnectionNotificationCode what)
{
    (void)connection;
    Transfer *transfer = open_request_notify(place, what);
    if (transfer != NULL) {
        end_transfer(argument, transfer, false);
    }
}

static size_t keep_encoded(void *argument, struct MHD_Connection *connection, char *text)
{
    (void)argument;
    (void)connection;
    return strlen(text);
}

static const char *header_value(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static enum MHD_Result queue(struct MHD_Connection *connection,
                             Transfer *transfer,
                             int status,
                             struct MHD_Response *response)
{
    transfer->status = status;
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer_body(struct MHD_Connection *connection, Transfer *transfer)
{
    const Buffer *body = &transfer->response.body;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->length, body->bytes, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (transfer->response.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        add_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, PUT");
    }
    if (transfer->response.retry_after_seconds > 0) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", transfer->response.retry_after_seconds);
        add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    return queue(connection, transfer, transfer->response.status, response);
}

static void fail(Transfer *transfer, const Error *error)
{
    if (error->code == ERROR_INTERNAL || error->code == ERROR_UNAVAILABLE) {
        log_error(LOG_ERROR, EVENT_OBJECT_FAILED, error);
    }
    response_of_error(&transfer->response, error);
}

static bool verify(const ObjectServer *server,
                   const Transfer *transfer,
                   UrlMethod method,
                   UrlGranted *granted,
                   Error *error)
{
    UrlTarget target = {.query = text_of(transfer->target)};
    target.path = text_split(&target.query, '?');
    return url_verify_target(server->options.signer, target, method,
                             clock_now_us(server->options.clock), granted, error);
}

/* Downloads. */

/* An object is never changed in place, so its file, time and size tell it from every other. */
static void format_etag(const struct stat *status, char etag[HEADER_BYTES])
{
    snprintf(etag, HEADER_BYTES, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"",
             (uint64_t)status->st_ino, (uint64_t)status->st_size,
             (uint64_t)status->st_mtim.tv_sec * 1000000000U + (uint64_t)status->st_mtim.tv_nsec);
}

/* A resumed download goes on only in the same object (RFC 9110, 13.1.5). */
static Text wanted_range(struct MHD_Connection *connection, const char *etag)
{
    const char *only_if = header_value(connection, MHD_HTTP_HEADER_IF_RANGE);
    if (only_if != NULL && strcmp(only_if, etag) != 0) {
        return (Text){NULL, 0};
    }
    return text_of(header_value(connection, MHD_HTTP_HEADER_RANGE));
}

static void add_disposition(struct MHD_Response *response, const char *file_name)
{
    if (file_name == NULL) {
        return;
    }
    AUTO_BUFFER value;
    buffer_init(&value, DISPOSITION_BYTES_MAX);
    buffer_string(&value, "attachment; filename*=UTF-8''");
    percent_encode(&value, text_of(file_name));
    add_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, buffer_to_string(&value));
}

/* Browsers show a PDF by a viewer that a sandbox shuts out, and that has no origin of ours. */
const char *object_policy(const char *media_type)
{
    return strcasecmp(media_type, "application/pdf") == 0
               ? NULL
               : "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox";
}

static void
add_object_headers(struct MHD_Response *response, const char *etag, const UrlGranted *granted)
{
    const char *type =
        granted->media_type == NULL ? "application/octet-stream" : granted->media_type;
    const char *policy = object_policy(type);
    add_header(response, MHD_HTTP_HEADER_ETAG, etag);
    add_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    add_header(response, "X-Content-Type-Options", "nosniff");
    if (policy != NULL) {
        add_header(response, "Content-Security-Policy", policy);
    }
    add_disposition(response, granted->file_name);
}

static enum MHD_Result answer_without_body(struct MHD_Connection *connection,
                                           Transfer *transfer,
                                           int status,
                                           const char *etag,
                                           int64_t size_bytes)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    add_header(response, MHD_HTTP_HEADER_ETAG, etag);
    if (status == MHD_HTTP_RANGE_NOT_SATISFIABLE) {
        char range[HEADER_BYTES];
        snprintf(range, sizeof range, "bytes */%" PRId64, size_bytes);
        add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
    }
    return queue(connection, transfer, status, response);
}

static enum MHD_Result send_object(struct MHD_Connection *connection,
                                   Transfer *transfer,
                                   int *fd,
                                   int64_t size_bytes,
                                   const UrlGranted *granted)
{
    struct stat status;
    char etag[HEADER_BYTES];
    if (fstat(*fd, &status) != 0) {
        return MHD_NO;
    }
    format_etag(&status, etag);
    if (etag_is_listed(text_of(header_value(connection, MHD_HTTP_HEADER_IF_NONE_MATCH)), etag)) {
        return answer_without_body(connection, transfer, MHD_HTTP_NOT_MODIFIED, etag, size_bytes);
    }
    ByteRange range;
    RangeKind kind = range_parse(wanted_range(connection, etag), size_bytes, &range);
    if (kind == RANGE_UNSATISFIABLE) {
        return answer_without_body(connection, transfer, MHD_HTTP_RANGE_NOT_SATISFIABLE, etag,
                                   size_bytes);
    }
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64((uint64_t)range.length, *fd, (uint64_t)range.first);
    if (response == NULL) {
        return MHD_NO;
    }
    *fd = -1; /* the response closes it */
    add_object_headers(response, etag, granted);
    if (kind == RANGE_PART) {
        char text[HEADER_BYTES];
        snprintf(text, sizeof text, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, range.first,
                 range.first + range.length - 1, size_bytes);
        add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    }
    transfer->body_bytes = transfer->method == METHOD_GET ? range.length : 0;
    return queue(connection, transfer, kind == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK,
                 response);
}

static enum MHD_Result
download(const ObjectServer *server, struct MHD_Connection *connection, Transfer *transfer)
{
    AUTO_URL_GRANTED granted = {0};
    AUTO_FD fd = -1;
    int64_t size_bytes = 0;
    Error error = {0};
    if (!verify(server, transfer, URL_GET, &granted, &error) ||
        !objectstore_read(server->options.store, granted.object_key, &fd, &size_bytes, &error)) {
        fail(transfer, &error);
        return answer_body(connection, transfer);
    }
    return send_object(connection, transfer, &fd, size_bytes, &granted);
}

/* Uploads. */

static bool size_fits(const ObjectServer *server, struct MHD_Connection *connection, Error *error)
{
    const char *value = header_value(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t bytes = 0;
    if (value != NULL &&
        !parse_int64(text_of(value), 0, server->options.upload_bytes_max, &bytes)) {
        return error_set(error, ERROR_LIMIT, "The object is larger than %" PRId64 " bytes.",
                         server->options.upload_bytes_max);
    }
    return true;
}

static void
begin_upload(const ObjectServer *server, struct MHD_Connection *connection, Transfer *transfer)
{
    AUTO_URL_GRANTED granted = {0};
    Error error = {0};
    if (!verify(server, transfer, URL_PUT, &granted, &error) ||
        !size_fits(server, connection, &error) ||
        !upload_begin(server->options.store, granted.object_key, server->options.upload_bytes_max,
                      &transfer->upload, &error)) {
        fail(transfer, &error);
    }
}

static void end_upload(Transfer *transfer)
{
    ObjectFacts facts;
    Error error = {0};
    if (!upload_commit(transfer->upload, &facts, &error)) {
        fail(transfer, &error);
        return;
    }
    JsonWriter writer;
    response_begin(&transfer->response, MHD_HTTP_CREATED, &writer);
    writer_begin_object(&writer);
    writer_key_integer(&writer, "size_bytes", facts.size_bytes);
    writer_end_object(&writer);
}

static enum MHD_Result go_on_uploading(struct MHD_Connection *connection,
                                       Transfer *transfer,
                                       const char *bytes,
                                       size_t *length)
{
    if (*length > 0) {
        metric_add(METRIC_OBJECT_BYTES, DIRECTION_IN, (int64_t)*length);
        Error error = {0};
        if (transfer->response.status == 0 &&
            !upload_write(transfer->upload, bytes, *length, &error)) {
            fail(transfer, &error);
        }
        /* Past the limit or with a full disk the rest is not read: the connection ends. */
        *length = 0;
        return transfer->response.status == 0 ? MHD_YES : MHD_NO;
    }
    end_upload(transfer);
    return answer_body(connection, transfer);
}

size_t object_method(const char *name)
{
    static const char *const NAMES[METHOD_OTHER] = {MHD_HTTP_METHOD_GET, MHD_HTTP_METHOD_HEAD,
                                                    MHD_HTTP_METHOD_PUT};
    size_t method = METHOD_GET;
    while (method < METHOD_OTHER && strcmp(name, NAMES[method]) != 0) {
        method++;
    }
    return method;
}

static enum MHD_Result serve_other(const ObjectServer *server,
                                   struct MHD_Connection *connection,
                                   Transfer *transfer,
                                   const char *method,
                                   Text bytes,
                                   size_t *length)
{
    const ObjectProtocol *other = &server->options.other;
    if (!transfer->opened) {
        transfer->opened = true;
        (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, other->add_header,
                                        transfer->other);
    }
    return other->serve(transfer->other, method, bytes.bytes, length);
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd sets the parameters. */
static enum MHD_Result on_request(void *argument,
                                  struct MHD_Connection *connection,
                                  const char *url,
                                  const char *method,
                                  const char *version,
                                  const char *bytes,
                                  size_t *length,
                                  void **place)
{
    (void)url;
    (void)version;
    const ObjectServer *server = argument;
    Transfer *transfer = *place;
    if (transfer->other != NULL) {
        return serve_other(server, connection, transfer, method, (Text){bytes, *length}, length);
    }
    transfer->method = object_method(method);
    bool upload = transfer->method == METHOD_PUT;
    if (!transfer->opened) {
        transfer->opened = true;
        if (transfer->method == METHOD_OTHER) {
            response_error(&transfer->response, MHD_HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed");
        } else if (upload) {
            begin_upload(server, connection, transfer);
        }
        /* Before a body that nobody wants is sent. */
        return transfer->response.status == 0 ? MHD_YES : answer_body(connection, transfer);
    }
    if (upload) {
        return go_on_uploading(connection, transfer, bytes, length);
    }
    if (*length > 0) {
        *length = 0; /* a body of a GET means nothing */
        return MHD_YES;
    }
    return download(server, connection, transfer);
}

bool object_server_start(const ObjectServerOptions *options,
                         ObjectServer **server_out,
                         Error *error)
{
    AUTO_FD listen_fd = -1;
    if (!listener_open(options->address, options->port, &listen_fd, error)) {
        return error_context(error, "object store");
    }
    ObjectServer *server = ALLOC_NEW(ObjectServer);
    server->options = *options;
    /* With a thread for each connection, libmicrohttpd calls sendfile for 2 MiB at a time,
     * otherwise for 128 KiB, which takes twice the processor time; and a slow disk delays no other
     * client. */
    server->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)OBJECT_STACK_BYTES, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)OBJECT_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)OBJECT_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (server->daemon == NULL) {
        alloc_free(server);
        return error_set(error, ERROR_INTERNAL, "object store: cannot start its HTTP daemon");
    }
    (void)TAKE_FD(listen_fd);
    *server_out = server;
    return true;
}

void object_server_stop(ObjectServer *server)
{
    if (server != NULL) {
        if (server->options.other.context != NULL) {
            server->options.other.stop(server->options.other.context);
        }
        MHD_stop_daemon(server->daemon);
        alloc_free(server);
    }
}
