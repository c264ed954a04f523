/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics and health over HTTP; see monitor.h. */
#include "http/monitor.h"

#include <microhttpd.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/parse.h"
#include "http/listener.h"

enum {
    /* All series of the server are some 100 KiB. */
    METRICS_BYTES_MAX = 4 * 1024 * 1024,
    CONNECTIONS_MAX = 16,
    IDLE_SECONDS = 15,
    ADDRESS_BYTES = 64,
    PORT_MAX = 65535
};

#define METRICS_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define JSON_MEDIA_TYPE "application/json"

struct Monitor {
    MonitorOptions options;
    struct MHD_Daemon *daemon;
};

typedef struct Answer {
    unsigned status;
    const char *media_type;
    Buffer body;
} Answer;

static void answer_text(Answer *answer, unsigned status, const char *media_type, const char *text)
{
    answer->status = status;
    answer->media_type = media_type;
    buffer_string(&answer->body, text);
}

static void answer_metrics(const Monitor *monitor, Answer *answer)
{
    answer->status = MHD_HTTP_OK;
    answer->media_type = METRICS_MEDIA_TYPE;
    metrics_write(&answer->body);
    if (monitor->options.write != NULL) {
        monitor->options.write(monitor->options.context, &answer->body);
    }
    if (answer->body.overflow) {
        buffer_reset(&answer->body);
        answer_text(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain", "too many metrics\n");
    }
}

static void answer_health(const Monitor *monitor, Answer *answer)
{
    const char *trouble = monitor->options.trouble(monitor->options.context);
    if (trouble == NULL) {
        answer_text(answer, MHD_HTTP_OK, JSON_MEDIA_TYPE, "{\"status\":\"UP\"}");
        return;
    }
    answer->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    answer->media_type = JSON_MEDIA_TYPE;
    buffer_format(&answer->body, "{\"status\":\"DOWN\",\"reason\":\"%s\"}", trouble);
}

static void
answer_request(const Monitor *monitor, const char *path, const char *method, Answer *answer)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        answer_text(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "only GET and HEAD\n");
    } else if (strcmp(path, "/metrics") == 0) {
        answer_metrics(monitor, answer);
    } else if (strcmp(path, "/health") == 0 && monitor->options.trouble != NULL) {
        answer_health(monitor, answer);
    } else {
        answer_text(answer, MHD_HTTP_NOT_FOUND, "text/plain", "there is /metrics here\n");
    }
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, Answer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.length, answer->body.bytes, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->media_type);
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    enum MHD_Result queued = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd sets the parameters. */
static enum MHD_Result on_request(void *argument,
                                  struct MHD_Connection *connection,
                                  const char *path,
                                  const char *method,
                                  const char *version,
                                  const char *bytes,
                                  size_t *length,
                                  void **place)
{
    (void)version;
    (void)bytes;
    static char opened;
    if (*place == NULL) {
        *place = &opened; /* an answer to the first call would end the connection */
        return MHD_YES;
    }
    if (*length > 0) {
        *length = 0; /* a body means nothing */
        return MHD_YES;
    }
    Answer answer = {.status = 0};
    buffer_init(&answer.body, METRICS_BYTES_MAX);
    answer_request(argument, path, method, &answer);
    enum MHD_Result queued = send_answer(connection, &answer);
    buffer_clear(&answer.body);
    return queued;
}

/* "host:port"; an IPv6 address stands in brackets. */
static bool
read_listen(const char *listen, char address_out[ADDRESS_BYTES], unsigned *port_out, Error *error)
{
    const char *colon = strrchr(listen, ':');
    int64_t port = 0;
    Text address = {listen, colon == NULL ? 0 : (size_t)(colon - listen)};
    if (address.length > 2 && address.bytes[0] == '[' && address.bytes[address.length - 1] == ']') {
        address = (Text){address.bytes + 1, address.length - 2};
    } else if (listen[0] == '[' || memchr(address.bytes, ':', address.length) != NULL) {
        address.length = 0;
    }
    if (address.length == 0 || !text_copy(address, address_out, ADDRESS_BYTES) ||
        !parse_int64(text_of(colon + 1), 1, PORT_MAX, &port)) {
        return error_set(error, ERROR_INVALID,
                         "SLIDEWAY_METRICS_LISTEN must be an address and a port, as in "
                         "127.0.0.1:9464 or [::1]:9464, not '%s'",
                         listen);
    }
    *port_out = (unsigned)port;
    return true;
}

bool monitor_start(const MonitorOptions *options, Monitor **monitor_out, Error *error)
{
    char address[ADDRESS_BYTES];
    unsigned port = 0;
    AUTO_FD listen_fd = -1;
    if (!read_listen(options->listen, address, &port, error)) {
        return false;
    }
    if (!listener_open(address, port, &listen_fd, error)) {
        return error_context(error, "SLIDEWAY_METRICS_LISTEN");
    }
    Monitor *monitor = ALLOC_NEW(Monitor);
    monitor->options = *options;
    monitor->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request,
                                       monitor, MHD_OPTION_LISTEN_SOCKET, listen_fd,
                                       MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                       MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
                                       MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (monitor->daemon == NULL) {
        alloc_free(monitor);
        return error_set(error, ERROR_INTERNAL, "metrics: cannot start the HTTP daemon");
    }
    (void)TAKE_FD(listen_fd);
    *monitor_out = monitor;
    return true;
}

void monitor_stop(Monitor *monitor)
{
    if (monitor != NULL) {
        MHD_stop_daemon(monitor->daemon);
        alloc_free(monitor);
    }
}
