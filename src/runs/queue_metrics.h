/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics that only the database knows: what waits for each organisation, and the workers. A
 * thread with a connection of its own asks, at most once a second and only when somebody scrapes;
 * a database that hangs holds up no scrape for longer than SCRAPE_WAIT_MILLISECONDS_MAX.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"

typedef struct QueueMetrics QueueMetrics;

/* `conninfo` is borrowed. */
MUST_CHECK bool queue_metrics_start(const char *conninfo,
                                    const Clock *clock,
                                    QueueMetrics **metrics_out,
                                    Error *error);
/* NULL is allowed. Waits for a statement in flight, which has a time limit. */
void queue_metrics_stop(QueueMetrics *metrics);
/* Writes whether the database answered and, if so, what it said; from any thread. `metrics` is a
 * QueueMetrics, so that a monitor can call it. */
void queue_metrics_write(void *metrics, Buffer *out);
