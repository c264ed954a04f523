/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sockets cost before there is any HTTP library: takes requests for a run with one recv
 * each, asks PostgreSQL for the run with the server's own statement, and sends a constant answer.
 * It parses nothing but the run's id, checks nothing and reads no result. A thread has one epoll
 * and one connection to PostgreSQL, whose statements go out together once a turn, as the server's
 * do.
 *
 * usage: socket_floor PORT THREADS BODY_BYTES CONNINFO STATEMENT_FILE     until it is killed
 */
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/file.h"
#include "base/parse.h"

enum {
    THREADS_MAX = 64,
    BODY_BYTES_MAX = 65536,
    REQUEST_BYTES_MAX = 8192,
    STATEMENT_BYTES_MAX = 65536,
    EVENTS_MAX = 64,
    WAITING_MAX = 1024, /* requests; a power of two */
    RUN_ID_LENGTH = 36,
};

typedef struct Shard {
    int epoll_fd;
    int listen_fd;
    PGconn *connection;
    int waiting[WAITING_MAX]; /* sockets, in the order of their statements */
    unsigned first;
    unsigned end;
    bool has_asked; /* in this turn */
} Shard;

static char answer[BODY_BYTES_MAX + 256];
static size_t answer_bytes;
static Shard shards[THREADS_MAX];

static void fail(const char *what)
{
    fprintf(stderr, "socket_floor: %s\n", what);
    exit(1);
}

static void watch(const Shard *shard, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(shard->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

static void ask(Shard *shard, int fd, const char *request)
{
    const char *path = strstr(request, "/runs/");
    char run_id[RUN_ID_LENGTH + 1] = "";
    if (path == NULL || shard->end - shard->first == WAITING_MAX) {
        fail("not a request for a run, or too many");
    }
    memcpy(run_id, path + strlen("/runs/"), RUN_ID_LENGTH);
    const char *values[] = {run_id, "user-0", "org-0", "superadmin", NULL, NULL};
    if (PQsendQueryPrepared(shard->connection, "get_run", ARRAY_COUNT(values), values, NULL, NULL,
                            0) != 1) {
        fail(PQerrorMessage(shard->connection));
    }
    shard->waiting[shard->end++ % WAITING_MAX] = fd;
    shard->has_asked = true;
}

static void read_request(Shard *shard, int fd)
{
    char request[REQUEST_BYTES_MAX + 1];
    ssize_t length = recv(fd, request, REQUEST_BYTES_MAX, 0);
    if (length <= 0) {
        close(fd);
        return;
    }
    request[length] = '\0';
    ask(shard, fd, request);
}

static void read_results(Shard *shard)
{
    if (PQconsumeInput(shard->connection) != 1) {
        fail(PQerrorMessage(shard->connection));
    }
    while (shard->first != shard->end && PQisBusy(shard->connection) == 0) {
        PGresult *result = PQgetResult(shard->connection);
        if (PQresultStatus(result) == PGRES_TUPLES_OK) {
            int fd = shard->waiting[shard->first++ % WAITING_MAX];
            if (PQntuples(result) != 1) {
                fail("there is no such run");
            }
            (void)send(fd, answer, answer_bytes, MSG_NOSIGNAL); /* at the end nobody takes it */
        } else if (result != NULL && PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
            fail(PQresultErrorMessage(result));
        }
        PQclear(result);
    }
}

static void turn(Shard *shard)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(shard->epoll_fd, events, EVENTS_MAX, -1);
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        if (fd == shard->listen_fd) {
            watch(shard, accept(fd, NULL, NULL));
        } else if (fd == PQsocket(shard->connection)) {
            read_results(shard);
        } else {
            read_request(shard, fd);
        }
    }
    if (shard->has_asked) {
        shard->has_asked = false;
        if (PQpipelineSync(shard->connection) != 1 || PQflush(shard->connection) != 0) {
            fail(PQerrorMessage(shard->connection));
        }
    }
}

static void *run(void *argument)
{
    for (;;) {
        turn(argument);
    }
    return NULL;
}

static void start(Shard *shard, unsigned short port, const char *conninfo, const char *statement)
{
    const int on = 1;
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    shard->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    shard->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(shard->listen_fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(shard->listen_fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(shard->listen_fd, 512) != 0) {
        fail("cannot listen");
    }
    shard->connection = PQconnectdb(conninfo);
    PGresult *prepared = PQprepare(shard->connection, "get_run", statement, 0, NULL);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK ||
        PQsetnonblocking(shard->connection, 1) != 0 ||
        PQenterPipelineMode(shard->connection) != 1) {
        fail(PQerrorMessage(shard->connection));
    }
    PQclear(prepared);
    watch(shard, shard->listen_fd);
    watch(shard, PQsocket(shard->connection));
}

int main(int count, char **arguments)
{
    int64_t port = 0;
    int64_t threads = 0;
    int64_t bytes = 0;
    if (count != 6 || !parse_int64(text_of(arguments[1]), 1, 65535, &port) ||
        !parse_int64(text_of(arguments[2]), 1, THREADS_MAX, &threads) ||
        !parse_int64(text_of(arguments[3]), 1, BODY_BYTES_MAX, &bytes)) {
        fputs("usage: socket_floor PORT THREADS BODY_BYTES CONNINFO STATEMENT_FILE\n", stderr);
        return 2;
    }
    AUTO_FREE char *statement = NULL;
    size_t length = 0;
    Error error = {0};
    if (!file_read(arguments[5], STATEMENT_BYTES_MAX, &statement, &length, &error)) {
        fail(error.message);
    }
    int header = snprintf(answer, sizeof answer,
                          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                          "Content-Length: %d\r\n\r\n",
                          (int)bytes);
    memset(answer + header, 'x', (size_t)bytes);
    answer_bytes = (size_t)header + (size_t)bytes;
    for (int64_t i = 0; i < threads; i++) {
        pthread_t thread;
        start(&shards[i], (unsigned short)port, arguments[4], statement);
        if (pthread_create(&thread, NULL, run, &shards[i]) != 0) {
            fail("cannot start a thread");
        }
    }
    pause();
    return 0;
}
