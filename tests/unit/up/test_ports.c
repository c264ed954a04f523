/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of a platform: what it had it keeps, what is taken it replaces. */
#include "unit_test.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "http/listener.h"
#include "up/ports.h"

static Ports choose_and_hold(uint16_t wished_api, Ports before, PortHolds *holds_out)
{
    Ports ports = {0};
    Error error = {0};
    assert_true(ports_choose(wished_api, before, &ports, holds_out, &error));
    return ports;
}

static Ports choose(uint16_t wished_api, Ports before)
{
    PortHolds holds = {0};
    Ports ports = choose_and_hold(wished_api, before, &holds);
    ports_release(&holds);
    return ports;
}

static void assert_distinct(Ports ports)
{
    const uint16_t all[] = {ports.api, ports.object, ports.server_metrics, ports.worker_metrics};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        assert_int_not_equal(all[i], 0);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(all[i], all[k]);
        }
    }
}

/* Occupies the port until the descriptor is closed. */
static int listen_on(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void a_first_start_gets_four_ports(void **state)
{
    (void)state;
    assert_distinct(choose(0, (Ports){0}));
}

static void a_restart_keeps_all_ports(void **state)
{
    (void)state;
    Ports before = choose(0, (Ports){0});
    Ports after = choose(0, before);
    assert_memory_equal(&after, &before, sizeof before);
}

static void a_metrics_port_that_is_taken_moves_alone(void **state)
{
    (void)state;
    Ports before = choose(0, (Ports){0});
    AUTO_FD other = listen_on(before.worker_metrics);
    Ports after = choose(0, before);
    assert_distinct(after);
    assert_int_not_equal(after.worker_metrics, before.worker_metrics);
    assert_int_equal(after.api, before.api);
    assert_int_equal(after.object, before.object);
    assert_int_equal(after.server_metrics, before.server_metrics);
}

static void a_wished_port_that_metrics_had_goes_to_the_api(void **state)
{
    (void)state;
    Ports before = choose(0, (Ports){0});
    Ports after = choose(before.server_metrics, before);
    assert_int_equal(after.api, before.server_metrics);
    assert_distinct(after);
}

static void assert_disjoint(Ports some, Ports others)
{
    const uint16_t left[] = {some.api, some.object, some.server_metrics, some.worker_metrics};
    const uint16_t right[] = {others.api, others.object, others.server_metrics,
                              others.worker_metrics};
    for (size_t i = 0; i < ARRAY_COUNT(left); i++) {
        for (size_t k = 0; k < ARRAY_COUNT(right); k++) {
            assert_int_not_equal(left[i], right[k]);
        }
    }
}

/* Nothing listens yet on the ports of the first. */
static void what_one_has_chosen_another_does_not_get(void **state)
{
    (void)state;
    PortHolds first_holds = {0};
    Ports first = choose_and_hold(0, (Ports){0}, &first_holds);
    assert_disjoint(choose(0, first), first);

    PortHolds second_holds = {0};
    Ports second = {0};
    Error error = {0};
    assert_false(ports_choose(first.api, (Ports){0}, &second, &second_holds, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_int_equal(second_holds.count, 0);

    ports_release(&first_holds);
    assert_int_equal(choose(first.api, (Ports){0}).api, first.api);
}

/* Whoever asks the kernel for any port gets none that is held; our children listen on theirs. */
static void a_held_port_is_for_the_children_alone(void **state)
{
    (void)state;
    PortHolds holds = {0};
    Ports ports = choose_and_hold(0, (Ports){0}, &holds);
    AUTO_FD stranger = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(ports.worker_metrics),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_not_equal(bind(stranger, (const struct sockaddr *)&address, sizeof address), 0);
    int shards[2] = {-1, -1};
    int single = -1;
    Error error = {0};
    assert_true(listener_open_group("127.0.0.1", ports.api, 2, shards, &error));
    assert_true(listener_open("127.0.0.1", ports.worker_metrics, &single, &error));
    close(shards[0]);
    close(shards[1]);
    close(single);
    ports_release(&holds);
}

static void the_port_of_an_address_is_found_with_and_without_a_path(void **state)
{
    (void)state;
    assert_int_equal(port_of_url("http://127.0.0.1:8080"), 8080);
    assert_int_equal(port_of_url("http://127.0.0.1:9464/metrics"), 9464);
    assert_int_equal(port_of_url("http://127.0.0.1"), 0);
    assert_int_equal(port_of_url("http://127.0.0.1:70000/metrics"), 0);
    assert_int_equal(port_of_url(""), 0);
    assert_int_equal(port_of_url(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_start_gets_four_ports),
        cmocka_unit_test(a_restart_keeps_all_ports),
        cmocka_unit_test(a_metrics_port_that_is_taken_moves_alone),
        cmocka_unit_test(a_wished_port_that_metrics_had_goes_to_the_api),
        cmocka_unit_test(what_one_has_chosen_another_does_not_get),
        cmocka_unit_test(a_held_port_is_for_the_children_alone),
        cmocka_unit_test(the_port_of_an_address_is_found_with_and_without_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
