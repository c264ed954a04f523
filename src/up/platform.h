/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform on one machine: PostgreSQL, server and worker as children, started in this order
 * and stopped in the other. Everything that must outlive a restart is in the data folder.
 */
#pragma once
#include <signal.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/endpoint.h"
#include "objectstore/settings.h"
#include "up/child.h"
#include "up/layout.h"
#include "up/ports.h"

typedef enum ChildRole { CHILD_POSTGRES, CHILD_SERVER, CHILD_WORKER, CHILD_COUNT } ChildRole;

typedef struct Platform {
    const Clock *clock;
    Layout layout;
    Ports ports;
    PortHolds port_holds; /* until the children have ended */
    char *programs;       /* of PostgreSQL */
    char *applications;   /* folder of the bundled applications */
    PlatformEndpoint endpoint;
    bool is_issuer; /* tokens come from the platform itself */
    Child children[CHILD_COUNT];
    sigset_t stop_signals; /* blocked; whoever waits looks for them */
    int lock_fd;
    bool stop_asked;
} Platform;

typedef struct PlatformOptions {
    const char *data;
    const char *postgres; /* folder of PostgreSQL's programs, or NULL */
    uint16_t port;
    const char *issuer;         /* URL of the OpenID provider; NULL: the embedded issuer */
    const char *audience;       /* of tokens */
    const StoreSettings *store; /* its place counts when it is a bucket */
    bool store_moved;           /* the objects were moved there */
} PlatformOptions;

/* Why a start did not succeed; each has an exit code. */
typedef enum StartFailure {
    START_FAILED,
    START_DATA_IN_USE,
    START_PORT_BUSY,
    START_NOT_WRITABLE,
    START_NO_DATABASE
} StartFailure;

/* Starts everything and waits until the API answers. On failure what was started is stopped by
 * platform_stop, which the caller calls in any case. When a stop signal comes in between, it
 * returns true with stop_asked. */
MUST_CHECK bool platform_start(Platform *platform,
                               const PlatformOptions *options,
                               StartFailure *failure_out,
                               Error *error);
/* Worker, server, PostgreSQL, in this order; each has its limit. */
void platform_stop(Platform *platform);
