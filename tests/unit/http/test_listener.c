/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a port: a group shares one among its own sockets, and with nobody else. */
#include "unit_test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http/listener.h"

enum { GROUP = 3, CONTENDERS = 3, ROUNDS = 2000 };

/* Bound and not listening: the port stays the test's, and servers may still listen on it. */
static int hold_port(unsigned *port_out)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port_out = ntohs(address.sin_port);
    return fd;
}

static int connect_to(unsigned port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
}

static int accept_some(int listen_fd)
{
    int count = 0;
    for (int fd = accept(listen_fd, NULL, NULL); fd >= 0; fd = accept(listen_fd, NULL, NULL)) {
        close(fd);
        count++;
    }
    return count;
}

static void assert_taken(const Error *error, unsigned port)
{
    char name[32];
    snprintf(name, sizeof name, "port %u of 127.0.0.1", port);
    assert_int_equal(error->code, ERROR_CONFLICT);
    assert_non_null(strstr(error->message, name));
}

static void a_second_group_is_refused(void **state)
{
    (void)state;
    unsigned port = 0;
    AUTO_FD holder = hold_port(&port);
    int first[GROUP];
    int second[GROUP];
    Error error = {0};
    assert_true(listener_open_group("127.0.0.1", port, GROUP, first, &error));
    assert_false(listener_open_group("127.0.0.1", port, GROUP, second, &error));
    assert_taken(&error, port);
    close_all(first, GROUP);
    assert_true(listener_open_group("127.0.0.1", port, GROUP, second, &error));
    close_all(second, GROUP);
}

static void a_group_and_a_single_one_exclude_each_other(void **state)
{
    (void)state;
    unsigned port = 0;
    AUTO_FD holder = hold_port(&port);
    int group[GROUP];
    int single = -1;
    Error error = {0};
    assert_true(listener_open_group("127.0.0.1", port, GROUP, group, &error));
    assert_false(listener_open("127.0.0.1", port, &single, &error));
    assert_taken(&error, port);
    close_all(group, GROUP);
    assert_true(listener_open("127.0.0.1", port, &single, &error));
    assert_false(listener_open_group("127.0.0.1", port, GROUP, group, &error));
    assert_taken(&error, port);
    close(single);
}

/* Each of the group is asked, and together they have every connection. */
static void connections_are_dealt_out_to_the_whole_group(void **state)
{
    (void)state;
    enum { CONNECTIONS = 120 };
    unsigned port = 0;
    AUTO_FD holder = hold_port(&port);
    int group[GROUP];
    int clients[CONNECTIONS];
    Error error = {0};
    assert_true(listener_open_group("127.0.0.1", port, GROUP, group, &error));
    for (size_t i = 0; i < CONNECTIONS; i++) {
        clients[i] = connect_to(port);
    }
    int total = 0;
    for (size_t i = 0; i < GROUP; i++) {
        int count = accept_some(group[i]);
        assert_true(count > 0);
        total += count;
    }
    assert_int_equal(total, CONNECTIONS);
    close_all(clients, CONNECTIONS);
    close_all(group, GROUP);
}

typedef struct Contest {
    unsigned port;
    pthread_barrier_t barrier;
    atomic_int winners; /* of this round */
    atomic_int wins;
    atomic_bool shared;
} Contest;

static void *contend(void *argument)
{
    Contest *contest = argument;
    for (int round = 0; round < ROUNDS; round++) {
        int fds[GROUP];
        Error error = {0};
        pthread_barrier_wait(&contest->barrier);
        bool won = listener_open_group("127.0.0.1", contest->port, GROUP, fds, &error);
        if (won && atomic_fetch_add(&contest->winners, 1) > 0) {
            atomic_store(&contest->shared, true);
        }
        pthread_barrier_wait(&contest->barrier);
        if (won) {
            close_all(fds, GROUP);
            atomic_fetch_sub(&contest->winners, 1);
            atomic_fetch_add(&contest->wins, 1);
        }
    }
    return NULL;
}

static void those_that_start_at_once_never_share(void **state)
{
    (void)state;
    Contest contest = {.port = 0};
    AUTO_FD holder = hold_port(&contest.port);
    pthread_t threads[CONTENDERS];
    pthread_barrier_init(&contest.barrier, NULL, CONTENDERS);
    for (size_t i = 0; i < CONTENDERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, contend, &contest), 0);
    }
    for (size_t i = 0; i < CONTENDERS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&contest.barrier);
    assert_false(atomic_load(&contest.shared));
    assert_true(atomic_load(&contest.wins) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_group_is_refused),
        cmocka_unit_test(a_group_and_a_single_one_exclude_each_other),
        cmocka_unit_test(connections_are_dealt_out_to_the_whole_group),
        cmocka_unit_test(those_that_start_at_once_never_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
