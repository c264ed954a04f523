/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing ports; see ports.h. */
#include "up/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"

/* Binds the port on the loopback and lets it go again; 0 asks for any. The result is the port, 0
 * when it is taken. SO_REUSEADDR as the servers have it: connections of a past life that linger
 * are no listener. */
static uint16_t try_port(uint16_t port)
{
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    socklen_t length = sizeof(address);
    int yes = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 1) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        return 0;
    }
    return ntohs(address.sin_port);
}

bool port_free(uint16_t port)
{
    return port != 0 && try_port(port) == port;
}

static uint16_t any_port_but(uint16_t other)
{
    enum { TRIES = 16 };
    for (int i = 0; i < TRIES; i++) {
        uint16_t port = try_port(0);
        if (port != 0 && port != other) {
            return port;
        }
    }
    return 0;
}

bool ports_choose(uint16_t wished_api, Ports before, Ports *ports_out, Error *error)
{
    Ports ports = {.api = wished_api};
    if (wished_api != 0 && !port_free(wished_api)) {
        return error_set(error, ERROR_CONFLICT,
                         "port %u on 127.0.0.1 is taken by another program: choose another with "
                         "--port N, or any free one with --port 0",
                         wished_api);
    }
    if (ports.api == 0) {
        ports.api = port_free(before.api) ? before.api : any_port_but(before.object);
    }
    uint16_t next = ports.api < UINT16_MAX ? (uint16_t)(ports.api + 1) : 0;
    if (before.object != ports.api && port_free(before.object)) {
        ports.object = before.object;
    } else {
        ports.object = wished_api != 0 && port_free(next) ? next : any_port_but(ports.api);
    }
    if (ports.api == 0 || ports.object == 0) {
        return error_set(error, ERROR_CONFLICT, "no free port was found on 127.0.0.1");
    }
    *ports_out = ports;
    return true;
}

uint16_t port_of_url(const char *url)
{
    const char *colon = url == NULL ? NULL : strrchr(url, ':');
    int64_t port = 0;
    return colon != NULL && parse_int64(text_of(colon + 1), 1, UINT16_MAX, &port) ? (uint16_t)port
                                                                                  : 0;
}
