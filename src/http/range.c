/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing ranges; see range.h. */
#include "http/range.h"

#include "base/parse.h"

#define UNIT "bytes="

/* "-500": the last 500 bytes. */
static RangeKind parse_suffix(Text count, int64_t size_bytes, ByteRange *range_out)
{
    int64_t suffix = 0;
    if (!parse_int64(count, 0, INT64_MAX, &suffix)) {
        return RANGE_WHOLE;
    }
    if (suffix == 0 || size_bytes == 0) {
        return RANGE_UNSATISFIABLE;
    }
    int64_t first = suffix >= size_bytes ? 0 : size_bytes - suffix;
    *range_out = (ByteRange){first, size_bytes - first};
    return RANGE_PART;
}

/* "500-999", or "500-" for all from there on. */
static RangeKind
parse_first_and_last(Text first_text, Text last_text, int64_t size_bytes, ByteRange *range_out)
{
    int64_t first = 0;
    int64_t last = INT64_MAX;
    if (!parse_int64(first_text, 0, INT64_MAX, &first) ||
        (last_text.length > 0 && !parse_int64(last_text, first, INT64_MAX, &last))) {
        return RANGE_WHOLE;
    }
    if (first >= size_bytes) {
        return RANGE_UNSATISFIABLE;
    }
    last = last < size_bytes ? last : size_bytes - 1;
    *range_out = (ByteRange){first, last - first + 1};
    return RANGE_PART;
}

RangeKind range_parse(Text header, int64_t size_bytes, ByteRange *range_out)
{
    *range_out = (ByteRange){0, size_bytes};
    if (header.bytes == NULL || !text_starts_with(header, UNIT) ||
        memchr(header.bytes, ',', header.length) != NULL) {
        return RANGE_WHOLE;
    }
    Text last = text_trim(text_from(header, sizeof UNIT - 1));
    Text first = text_split(&last, '-');
    if (last.bytes == NULL) {
        return RANGE_WHOLE;
    }
    return first.length == 0 ? parse_suffix(last, size_bytes, range_out)
                             : parse_first_and_last(first, last, size_bytes, range_out);
}
