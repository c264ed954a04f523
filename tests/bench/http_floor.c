/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer costs before the platform has done anything: libmicrohttpd as the server uses it
 * (one daemon a thread, each request looked at once more before it is answered) with a constant
 * answer.
 *
 * usage: http_floor PORT THREADS BODY_BYTES     until it is killed
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parse.h"

enum { CONNECTIONS_MAX = 1024, THREADS_MAX = 64, BODY_BYTES_MAX = 65536, WAIT_MS_MAX = 100 };

typedef struct Shard {
    struct MHD_Daemon *daemon;
    int epoll_fd;
} Shard;

static char body[BODY_BYTES_MAX];
static size_t body_bytes;
static Shard shards[THREADS_MAX];

/* The request's state: how often the library has asked about it. */
static void *on_target(void *argument, const char *target, struct MHD_Connection *connection)
{
    (void)argument;
    (void)target;
    (void)connection;
    return alloc_zeroed(1, sizeof(int));
}

static void on_completed(void *argument,
                         struct MHD_Connection *connection,
                         void **state,
                         enum MHD_RequestTerminationCode how)
{
    (void)argument;
    (void)connection;
    (void)how;
    alloc_free(*state);
}

/* As many headers as the server sends. */
static enum MHD_Result answer(struct MHD_Connection *connection)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body_bytes, body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "X-Request-Id", "0123456789abcdef0123456789abcdef");
    MHD_add_response_header(response, "ETag", "\"0123456789abcdef0123456789abcdef\"");
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd sets the parameters. */
static enum MHD_Result on_request(void *argument,
                                  struct MHD_Connection *connection,
                                  const char *url,
                                  const char *method,
                                  const char *version,
                                  const char *bytes,
                                  size_t *length,
                                  void **state)
{
    (void)url;
    (void)method;
    (void)version;
    (void)bytes;
    (void)length;
    (void)argument;
    int *asked = *state;
    bool is_waiting = (*asked)++ < 2; /* the headers, and the first look at what is complete */
    return is_waiting ? MHD_YES : answer(connection);
}

static int wait_ms(const Shard *shard)
{
    MHD_UNSIGNED_LONG_LONG wait = WAIT_MS_MAX;
    if (MHD_get_timeout(shard->daemon, &wait) != MHD_YES || wait > WAIT_MS_MAX) {
        wait = WAIT_MS_MAX;
    }
    return (int)wait;
}

static void *run(void *argument)
{
    Shard *shard = argument;
    for (;;) {
        struct epoll_event event;
        (void)epoll_wait(shard->epoll_fd, &event, 1, wait_ms(shard));
        MHD_run(shard->daemon);
        MHD_run(shard->daemon);
    }
    return NULL;
}

static int listen_on(unsigned short port)
{
    const int on = 1;
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 512) != 0) {
        perror("http_floor");
        exit(1);
    }
    return fd;
}

static void start(Shard *shard, unsigned short port)
{
    shard->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL, on_request, shard,
        MHD_OPTION_LISTEN_SOCKET, listen_on(port), MHD_OPTION_URI_LOG_CALLBACK, on_target, shard,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, shard, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(32 * 1024),
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    struct epoll_event event = {.events = EPOLLIN};
    shard->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (shard->daemon == NULL ||
        epoll_ctl(shard->epoll_fd, EPOLL_CTL_ADD,
                  MHD_get_daemon_info(shard->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
                  &event) != 0) {
        fputs("http_floor: cannot start\n", stderr);
        exit(1);
    }
}

int main(int count, char **arguments)
{
    int64_t port = 0;
    int64_t threads = 0;
    int64_t bytes = 0;
    if (count != 4 || !parse_int64(text_of(arguments[1]), 1, 65535, &port) ||
        !parse_int64(text_of(arguments[2]), 1, THREADS_MAX, &threads) ||
        !parse_int64(text_of(arguments[3]), 1, BODY_BYTES_MAX, &bytes)) {
        fputs("usage: http_floor PORT THREADS BODY_BYTES\n", stderr);
        return 2;
    }
    body_bytes = (size_t)bytes;
    memset(body, 'x', body_bytes);
    for (int64_t i = 0; i < threads; i++) {
        pthread_t thread;
        start(&shards[i], (unsigned short)port);
        if (pthread_create(&thread, NULL, run, &shards[i]) != 0) {
            fputs("http_floor: cannot start a thread\n", stderr);
            return 1;
        }
    }
    pause();
    return 0;
}
