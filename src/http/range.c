/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing ranges; see range.h. */
#include "http/range.h"

#include "base/parse.h"

#define UNIT "bytes="

RangeKind range_parse(Text header, int64_t size_bytes, ByteRange *range_out)
{
    *range_out = (ByteRange){0, size_bytes};
    if (header.bytes == NULL || !text_starts_with(header, UNIT) ||
        memchr(header.bytes, ',', header.length) != NULL) {
        return RANGE_WHOLE;
    }
    Text last_text = text_trim(text_from(header, sizeof UNIT - 1));
    Text first_text = text_split(&last_text, '-');
    int64_t first = 0;
    int64_t last = size_bytes - 1;
    if (last_text.bytes == NULL) {
        return RANGE_WHOLE;
    }
    if (first_text.length == 0) {
        int64_t suffix = 0;
        if (!parse_int64(last_text, 0, INT64_MAX, &suffix)) {
            return RANGE_WHOLE;
        }
        first = suffix >= size_bytes ? 0 : size_bytes - suffix;
        if (suffix == 0 || size_bytes == 0) {
            return RANGE_UNSATISFIABLE;
        }
    } else {
        if (!parse_int64(first_text, 0, INT64_MAX, &first) ||
            (last_text.length > 0 && !parse_int64(last_text, 0, INT64_MAX, &last)) ||
            (last_text.length > 0 && last < first)) {
            return RANGE_WHOLE;
        }
        if (first >= size_bytes) {
            return RANGE_UNSATISFIABLE;
        }
        last = last < size_bytes ? last : size_bytes - 1;
    }
    *range_out = (ByteRange){first, last - first + 1};
    return RANGE_PART;
}
