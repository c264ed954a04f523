/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys are valid; see objectstore.h. */
#include "base/limits.h"
#include "objectstore/objectstore.h"

enum { SEGMENT_BYTES_MAX = 255 };

static bool has_control(Text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if (byte < 0x20 || byte == 0x7F) {
            return true;
        }
    }
    return false;
}

static bool segment_valid(Text segment)
{
    return segment.length > 0 && segment.length <= SEGMENT_BYTES_MAX && !text_is(segment, ".") &&
           !text_is(segment, "..");
}

bool object_key_valid(Text key)
{
    if (key.length == 0 || key.length > OBJECT_KEY_BYTES_MAX || key.bytes[0] == '.' ||
        has_control(key) || !text_is_utf8(key)) {
        return false;
    }
    Text rest = key;
    while (rest.bytes != NULL) {
        if (!segment_valid(text_split(&rest, '/'))) {
            return false;
        }
    }
    return true;
}
