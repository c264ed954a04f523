/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: an HTTP port of its own for those who watch over a program: GET /metrics, and
 * GET /health where the program has one. It asks for no token, so it listens only where the
 * operator says, and it has a thread of its own, so that no one who asks holds anybody up.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

typedef struct MonitorOptions {
    const char *listen; /* "127.0.0.1:9464" or "[::1]:9464" */
    /* Writes more metrics behind those of base/metrics. NULL: there are none. */
    void (*write)(void *context, Buffer *out);
    /* Why the program is not well; NULL: it is. Without this there is no /health. */
    const char *(*trouble)(void *context);
    void *context;
} MonitorOptions;

typedef struct Monitor Monitor;

/* The options are copied, what they point to is borrowed. */
MUST_CHECK bool monitor_start(const MonitorOptions *options, Monitor **monitor_out, Error *error);
/* NULL is allowed. */
void monitor_stop(Monitor *monitor);
