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

static bool port_free(uint16_t port)
{
    return port != 0 && try_port(port) == port;
}

static bool is_chosen(const Ports *ports, uint16_t port)
{
    return port == ports->api || port == ports->object || port == ports->server_metrics ||
           port == ports->worker_metrics;
}

/* A port that is free and not among those chosen; 0: none was found. */
static uint16_t any_port(const Ports *chosen)
{
    enum { TRIES = 16 };
    for (int i = 0; i < TRIES; i++) {
        uint16_t port = try_port(0);
        if (port != 0 && !is_chosen(chosen, port)) {
            return port;
        }
    }
    return 0;
}

/* The wished one if it may be had, else any. */
static uint16_t wished_or_any(uint16_t wished, const Ports *chosen)
{
    return wished != 0 && !is_chosen(chosen, wished) && port_free(wished) ? wished
                                                                          : any_port(chosen);
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
        ports.api = port_free(before.api) ? before.api : any_port(&before);
    }
    uint16_t next = wished_api != 0 && ports.api < UINT16_MAX ? (uint16_t)(ports.api + 1) : 0;
    bool object_stays = before.object != ports.api && port_free(before.object);
    ports.object = object_stays ? before.object : wished_or_any(next, &ports);
    ports.server_metrics = wished_or_any(before.server_metrics, &ports);
    ports.worker_metrics = wished_or_any(before.worker_metrics, &ports);
    if (ports.api == 0 || ports.object == 0 || ports.server_metrics == 0 ||
        ports.worker_metrics == 0) {
        return error_set(error, ERROR_CONFLICT, "no free port was found on 127.0.0.1");
    }
    *ports_out = ports;
    return true;
}

uint16_t port_of_url(const char *url)
{
    const char *colon = url == NULL ? NULL : strrchr(url, ':');
    int64_t port = 0;
    Text rest = text_of(colon == NULL ? "" : colon + 1);
    return parse_int64(text_split(&rest, '/'), 1, UINT16_MAX, &port) ? (uint16_t)port : 0;
}
