/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ports of the API and of the object store on 127.0.0.1. Links that were signed before a
 * restart name the port of their time, so both stay what they were as long as nobody took them.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct Ports {
    uint16_t api;
    uint16_t object;
} Ports;

/* wished_api 0: the one before, else any free one. `before` is what the last life used, zeros when
 * there was none. ERROR_CONFLICT: the wished port is taken. */
MUST_CHECK bool ports_choose(uint16_t wished_api, Ports before, Ports *ports_out, Error *error);
/* The port at the end of "http://host:port"; 0 when there is none. */
uint16_t port_of_url(const char *url);
bool port_free(uint16_t port);
