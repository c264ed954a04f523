/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a request: X-Request-Id, which a caller may choose, and the trace that it belongs to
 * (W3C Trace Context, https://www.w3.org/TR/trace-context/). Both go out again and into the log.
 */
#pragma once
#include <stdint.h>

#include "base/clock.h"
#include "base/text.h"

enum {
    REQUEST_ID_CHARACTERS_MAX = 128,
    TRACE_ID_CHARACTERS = 32,
    TRACEPARENT_CHARACTERS = 55,
    RANDOM_BYTES_KEPT = 1536
};

typedef struct Trace {
    char request_id[REQUEST_ID_CHARACTERS_MAX + 1];
    char trace_id[TRACE_ID_CHARACTERS + 1];
    char traceparent[TRACEPARENT_CHARACTERS + 1]; /* of the answer: our own step in the trace */
} Trace;

/* Random bytes taken from the system many at a time: a call for each request would cost more than
 * everything else here. Starts zeroed; one thread's own. */
typedef struct RandomStock {
    uint8_t bytes[RANDOM_BYTES_KEPT];
    size_t left;
} RandomStock;

/* What came in the headers (bytes == NULL: nothing). A trace that is not well-formed is replaced by
 * a new one, a request id that is not sane by the id of the trace. */
void trace_begin(
    Trace *trace, Text request_id, Text traceparent, const Clock *clock, RandomStock *stock);
