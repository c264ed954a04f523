/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the waiting items of a run stand in the queue: how many items start before each of them, in
 * the run's organisation and on the whole platform. A curve of few knots over the item's place
 * among the run's waiting items, straight between the knots. Places count from the front, so a
 * curve stays true while the run's items are taken one after another.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"

enum { QUEUE_KNOTS_MAX = 32, QUEUE_CURVE_TEXT_BYTES_MAX = QUEUE_KNOTS_MAX * 3 * 12 + 2 };

typedef struct QueueKnot {
    int place; /* from 0 */
    int organization;
    int platform;
} QueueKnot;

/* Knots go up in their places; the first one's is 0. */
typedef struct QueueCurve {
    QueueKnot knots[QUEUE_KNOTS_MAX];
    int count;
} QueueCurve;

/* The curve at a place of 0 or more. Behind the last knot each place is one item later. */
QueueKnot queue_curve_at(const QueueCurve *curve, int place);
/* Reads {place,organization,platform,…} as PostgreSQL writes an integer[]; false: it is no curve.
 */
MUST_CHECK bool queue_curve_parse(const char *text, QueueCurve *curve_out);
void queue_curve_write(const QueueCurve *curve, Buffer *buffer);
