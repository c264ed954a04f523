/* SPDX-License-Identifier: Apache-2.0 */
/* Binding and listening; see listener.h. */
#include "http/listener.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/limits.h"

enum { PORT_BYTES = 12, PORT_MAX = 65535 };

static void cleanup_addresses(struct addrinfo **addresses)
{
    if (*addresses != NULL) {
        freeaddrinfo(*addresses);
    }
}

static bool
resolve(const char *address, unsigned port, struct addrinfo **addresses_out, Error *error)
{
    char service[PORT_BYTES];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    int failed = port == 0 || port > PORT_MAX
                     ? EAI_SERVICE
                     : getaddrinfo(address, service, &hints, addresses_out);
    if (failed != 0) {
        return error_set(error, ERROR_INVALID, "cannot listen on '%s' port %u: %s", address, port,
                         gai_strerror(failed));
    }
    return true;
}

static bool open_socket(const char *address, unsigned port, bool joins, int *fd_out, Error *error)
{
    CLEANUP(cleanup_addresses) struct addrinfo *addresses = NULL;
    if (!resolve(address, port, &addresses, error)) {
        return false;
    }
    const int on = 1;
    AUTO_FD fd = socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (joins && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)) {
        return error_set(error, ERROR_INTERNAL, "cannot make a socket: %m");
    }
    if (bind(fd, addresses->ai_addr, addresses->ai_addrlen) != 0 ||
        listen(fd, SHARD_CONNECTIONS_MAX) != 0) {
        if (errno == EADDRINUSE) {
            return error_set(error, ERROR_CONFLICT,
                             "port %u of %s is in use by another program: choose another one", port,
                             address);
        }
        return error_set(error, ERROR_INVALID, "cannot listen on %s port %u: %m", address, port);
    }
    *fd_out = TAKE_FD(fd);
    return true;
}

bool listener_open(const char *address, unsigned port, int *fd_out, Error *error)
{
    return open_socket(address, port, false, fd_out, error);
}

static bool join(const char *address, unsigned port, size_t count, int *fds, Error *error)
{
    const int on = 1;
    if (setsockopt(fds[0], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot share a port: %m");
    }
    for (size_t i = 1; i < count; i++) {
        if (!open_socket(address, port, true, &fds[i], error)) {
            return false;
        }
    }
    return true;
}

bool listener_open_group(
    const char *address, unsigned port, size_t count, int *fds_out, Error *error)
{
    int fds[LISTENERS_MAX];
    assert(count > 0 && count <= LISTENERS_MAX);
    for (size_t i = 0; i < count; i++) {
        fds[i] = -1;
    }
    if (!listener_open(address, port, &fds[0], error) || !join(address, port, count, fds, error)) {
        for (size_t i = 0; i < count; i++) {
            cleanup_fd(&fds[i]);
        }
        return false;
    }
    memcpy(fds_out, fds, count * sizeof *fds);
    return true;
}
