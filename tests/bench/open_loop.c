/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open loop of requests: they are due at a fixed rate whether earlier ones were answered or not,
 * and a latency counts from the moment a request was due, so that a server that stalls cannot hide
 * it (G. Tene, "How NOT to Measure Latency").
 *
 * usage: open_loop PORT RATE SECONDS FILE    FILE: one request a line, "PATH TOKEN"
 * Prints one JSON object: requests, bad (neither 200 nor 503), late (503, or not answered within 30
 * s after the end), p50_ms, p99_ms, max_ms.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"

enum {
    CONNECTIONS = 64,
    ANSWER_BYTES_MAX = 8 << 20,
    REQUESTS_MAX = 1000000,
    FILE_BYTES_MAX = 64 << 20,
    WAIT_MAX_US = 1000
};

typedef struct Connection {
    int fd;
    bool busy;
    int64_t due_us;
    Buffer answer;
} Connection;

typedef struct Loop {
    Connection connections[CONNECTIONS];
    int epoll_fd;
    Text *lines;
    size_t line_count;
    int64_t *latencies_us;
    size_t answered;
    size_t bad;
    size_t late;
} Loop;

static void die(const char *what)
{
    fprintf(stderr, "open_loop: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void connect_all(Loop *loop, int64_t port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int on = 1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < CONNECTIONS; i++) {
        Connection *connection = &loop->connections[i];
        buffer_init(&connection->answer, ANSWER_BYTES_MAX);
        connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (connect(connection->fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
            setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
            epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
            die("connect");
        }
    }
}

static void read_requests(Loop *loop, const char *path)
{
    Error error = {0};
    char *bytes = NULL;
    size_t length = 0;
    if (!file_read(path, FILE_BYTES_MAX, &bytes, &length, &error)) {
        fprintf(stderr, "open_loop: %s\n", error.message);
        exit(EXIT_FAILURE);
    }
    Text rest = {bytes, length};
    loop->lines = alloc_array(REQUESTS_MAX, sizeof(Text));
    while (rest.length > 0 && loop->line_count < REQUESTS_MAX) {
        loop->lines[loop->line_count++] = text_split(&rest, '\n');
    }
}

static Connection *find_free(Loop *loop)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (!loop->connections[i].busy) {
            return &loop->connections[i];
        }
    }
    return NULL;
}

static void send_request(Connection *connection, Text line, int64_t due_us)
{
    Text token = line;
    Text path = text_split(&token, ' ');
    char request[4096];
    int length =
        snprintf(request, sizeof request,
                 "GET %.*s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %.*s\r\n\r\n",
                 TEXT_ARGUMENTS(path), TEXT_ARGUMENTS(token));
    connection->busy = true;
    connection->due_us = due_us;
    if (send(connection->fd, request, (size_t)length, MSG_NOSIGNAL) != length) {
        die("send");
    }
}

/* The length of the whole answer; 0 while its headers are not complete. */
static size_t answer_length(Buffer *answer)
{
    const char *text = buffer_to_string(answer);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    if (end == NULL || length == NULL) {
        return 0;
    }
    return (size_t)(end + 4 - text) + strtoul(length + 16, NULL, 10);
}

static void take_answer(Loop *loop, Connection *connection, int64_t now_us)
{
    char *place = buffer_reserve(&connection->answer, 65536);
    ssize_t got = place == NULL ? -1 : recv(connection->fd, place, 65536, 0);
    if (got <= 0) {
        die("receive");
    }
    connection->answer.length += (size_t)got;
    size_t whole = answer_length(&connection->answer);
    if (whole == 0 || connection->answer.length < whole) {
        return;
    }
    const char *answer = buffer_to_string(&connection->answer);
    if (strncmp(answer, "HTTP/1.1 503", 12) == 0) {
        loop->late++;
    } else if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
        loop->bad++;
    }
    loop->latencies_us[loop->answered++] = now_us - connection->due_us;
    connection->busy = false;
    buffer_reset(&connection->answer);
}

static void wait_for_answers(Loop *loop, int64_t wait_us)
{
    struct epoll_event events[CONNECTIONS];
    const struct timespec wait = {.tv_nsec = wait_us * 1000};
    int count = epoll_pwait2(loop->epoll_fd, events, CONNECTIONS, &wait, NULL);
    for (int i = 0; i < count; i++) {
        take_answer(loop, events[i].data.ptr, clock_monotonic_us(&SYSTEM_CLOCK));
    }
}

static void run(Loop *loop, int64_t rate, int64_t seconds)
{
    size_t total = (size_t)(rate * seconds);
    size_t sent = 0;
    int64_t start_us = clock_monotonic_us(&SYSTEM_CLOCK);
    int64_t give_up_us = start_us + (seconds + 30) * MICROSECONDS_PER_SECOND;
    loop->latencies_us = alloc_array(total, sizeof(int64_t));
    while (loop->answered < total && clock_monotonic_us(&SYSTEM_CLOCK) < give_up_us) {
        int64_t due_us = start_us + (int64_t)sent * MICROSECONDS_PER_SECOND / rate;
        int64_t wait_us = due_us - clock_monotonic_us(&SYSTEM_CLOCK);
        Connection *idle = sent < total && wait_us <= 0 ? find_free(loop) : NULL;
        if (idle != NULL) {
            send_request(idle, loop->lines[sent % loop->line_count], due_us);
            sent++;
        }
        bool later = idle == NULL && (wait_us <= 0 || wait_us > WAIT_MAX_US);
        wait_for_answers(loop, idle != NULL ? 0 : later ? WAIT_MAX_US : wait_us);
    }
    loop->late += total - loop->answered;
    if (loop->answered == 0) {
        die("no answer");
    }
}

static int compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static double milliseconds_at(const Loop *loop, double share)
{
    size_t index = (size_t)(share * (double)(loop->answered - 1));
    return (double)loop->latencies_us[index] / 1000;
}

int main(int argument_count, char **arguments)
{
    static Loop loop;
    int64_t port = 0;
    int64_t rate = 0;
    int64_t seconds = 0;
    if (argument_count != 5 || !parse_int64(text_of(arguments[1]), 1, 65535, &port) ||
        !parse_int64(text_of(arguments[2]), 1, 100000, &rate) ||
        !parse_int64(text_of(arguments[3]), 1, 600, &seconds)) {
        fprintf(stderr, "usage: open_loop PORT RATE SECONDS FILE\n");
        return 2;
    }
    read_requests(&loop, arguments[4]);
    connect_all(&loop, port);
    run(&loop, rate, seconds);
    qsort(loop.latencies_us, loop.answered, sizeof *loop.latencies_us, compare);
    printf("{\"requests\": %zu, \"bad\": %zu, \"late\": %zu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"max_ms\": %.3f}\n",
           loop.answered, loop.bad, loop.late, milliseconds_at(&loop, 0.5),
           milliseconds_at(&loop, 0.99), milliseconds_at(&loop, 1));
    return 0;
}
