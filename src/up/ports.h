/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ports of the platform on 127.0.0.1. Links that were signed before a restart name the port of
 * their time, and whoever scrapes metrics knows theirs, so all stay what they were as long as
 * nobody took them.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct Ports {
    uint16_t api;
    uint16_t object;
    uint16_t server_metrics;
    uint16_t worker_metrics;
} Ports;

/* wished_api 0: the one before, else any free one. `before` is what the last life used, zeros when
 * there was none. ERROR_CONFLICT: the wished port is taken. */
MUST_CHECK bool ports_choose(uint16_t wished_api, Ports before, Ports *ports_out, Error *error);
/* The port of "http://host:port", with a path or without; 0 when there is none. */
uint16_t port_of_url(const char *url);
