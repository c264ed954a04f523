/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ports of the platform on 127.0.0.1. Links that were signed before a restart name the port of
 * their time, and whoever scrapes metrics knows theirs, so all stay what they were as long as
 * nobody took them.
 *
 * Chosen ports are held until they are released. A socket that is bound and does not listen keeps
 * the kernel from giving the port to a program that asks for any, and lets our children listen;
 * but another up could bind beside it, so each port's name is claimed too. What is left is a
 * program that asks for this very port: the child then says so and ends.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct Ports {
    uint16_t api;
    uint16_t object;
    uint16_t server_metrics;
    uint16_t worker_metrics;
} Ports;

enum { PORT_HOLDS_MAX = 8 };

typedef struct PortHolds {
    int fds[PORT_HOLDS_MAX];
    size_t count;
} PortHolds;

/* wished_api 0: the one before, else any free one. `before` is what the last life used, zeros when
 * there was none. ERROR_CONFLICT: the wished port is taken. */
MUST_CHECK bool ports_choose(
    uint16_t wished_api, Ports before, Ports *ports_out, PortHolds *holds_out, Error *error);
void ports_release(PortHolds *holds);
/* The port of "http://host:port", with a path or without; 0 when there is none. */
uint16_t port_of_url(const char *url);
