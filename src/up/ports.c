/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing ports; see ports.h. */
#include "up/ports.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/parse.h"

static int open_socket(void)
{
    const int yes = 1;
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* As the servers have it: connections of a past life that linger are no listener. */
    return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 ? TAKE_FD(fd)
                                                                                       : -1;
}

static bool bind_loopback(int fd, uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    return bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof(address);
    return getsockname(fd, (struct sockaddr *)&address, &length) == 0 ? ntohs(address.sin_port) : 0;
}

static bool nobody_listens(uint16_t port)
{
    AUTO_FD fd = open_socket();
    return fd >= 0 && bind_loopback(fd, port) && listen(fd, 1) == 0;
}

/* A socket with this name, which is gone with its process: no two have it in one network
 * namespace, which is where no two have a port. */
static int claim_name(uint16_t port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length =
        snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "slideway-up-port-%u", port);
    AUTO_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    return fd >= 0 && bind(fd, (const struct sockaddr *)&name, bytes) == 0 ? TAKE_FD(fd) : -1;
}

/* The port, or 0 when it cannot be had; wished 0: any. */
static uint16_t hold(uint16_t wished, PortHolds *holds)
{
    AUTO_FD socket_fd = open_socket();
    if (socket_fd < 0 || !bind_loopback(socket_fd, wished)) {
        return 0;
    }
    uint16_t port = bound_port(socket_fd);
    AUTO_FD name_fd = port == 0 ? -1 : claim_name(port);
    if (name_fd < 0 || !nobody_listens(port)) {
        return 0;
    }
    assert(holds->count + 2 <= PORT_HOLDS_MAX);
    holds->fds[holds->count++] = TAKE_FD(socket_fd);
    holds->fds[holds->count++] = TAKE_FD(name_fd);
    return port;
}

static uint16_t hold_if_wished(uint16_t wished, PortHolds *holds)
{
    return wished == 0 ? 0 : hold(wished, holds);
}

static uint16_t hold_any(PortHolds *holds)
{
    enum { TRIES = 16 };
    uint16_t port = 0;
    for (int i = 0; i < TRIES && port == 0; i++) {
        port = hold(0, holds);
    }
    return port;
}

static uint16_t held_or_any(uint16_t held, PortHolds *holds)
{
    return held != 0 ? held : hold_any(holds);
}

bool ports_choose(
    uint16_t wished_api, Ports before, Ports *ports_out, PortHolds *holds_out, Error *error)
{
    PortHolds holds = {0};
    Ports ports = {.api = hold_if_wished(wished_api != 0 ? wished_api : before.api, &holds)};
    if (wished_api != 0 && ports.api == 0) {
        return error_set(error, ERROR_CONFLICT,
                         "port %u on 127.0.0.1 is taken by another program: choose another with "
                         "--port N, or any free one with --port 0",
                         wished_api);
    }
    ports.object = hold_if_wished(before.object, &holds);
    ports.server_metrics = hold_if_wished(before.server_metrics, &holds);
    ports.worker_metrics = hold_if_wished(before.worker_metrics, &holds);
    if (ports.object == 0 && wished_api != 0 && wished_api < UINT16_MAX) {
        ports.object = hold((uint16_t)(wished_api + 1), &holds);
    }
    ports.api = held_or_any(ports.api, &holds);
    ports.object = held_or_any(ports.object, &holds);
    ports.server_metrics = held_or_any(ports.server_metrics, &holds);
    ports.worker_metrics = held_or_any(ports.worker_metrics, &holds);
    if (ports.api == 0 || ports.object == 0 || ports.server_metrics == 0 ||
        ports.worker_metrics == 0) {
        ports_release(&holds);
        return error_set(error, ERROR_CONFLICT, "no free port was found on 127.0.0.1");
    }
    *ports_out = ports;
    *holds_out = holds;
    return true;
}

void ports_release(PortHolds *holds)
{
    while (holds->count > 0) {
        cleanup_fd(&holds->fds[--holds->count]);
    }
}

uint16_t port_of_url(const char *url)
{
    const char *colon = url == NULL ? NULL : strrchr(url, ':');
    int64_t port = 0;
    Text rest = text_of(colon == NULL ? "" : colon + 1);
    return parse_int64(text_split(&rest, '/'), 1, UINT16_MAX, &port) ? (uint16_t)port : 0;
}
