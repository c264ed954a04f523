/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of a platform: what it had it keeps, what is taken it replaces. */
#include "unit_test.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "up/ports.h"

static Ports choose(uint16_t wished_api, Ports before)
{
    Ports ports = {0};
    Error error = {0};
    assert_true(ports_choose(wished_api, before, &ports, &error));
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
        cmocka_unit_test(the_port_of_an_address_is_found_with_and_without_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
