/* SPDX-License-Identifier: Apache-2.0 */
/* The Range header for one range of bytes (RFC 9110, 14). */
#pragma once
#include <stdint.h>

#include "base/text.h"

typedef enum RangeKind {
    RANGE_WHOLE, /* none, several, another unit or not well-formed: the header is ignored */
    RANGE_PART,
    RANGE_UNSATISFIABLE
} RangeKind;

typedef struct ByteRange {
    int64_t first;
    int64_t length;
} ByteRange;

/* The part of an object of `size_bytes` that the header asks for; *range_out is always set. */
RangeKind range_parse(Text header, int64_t size_bytes, ByteRange *range_out);
