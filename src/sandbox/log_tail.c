/* SPDX-License-Identifier: Apache-2.0 */
/* The tail of a log; see log_tail.h. */
#include "sandbox/log_tail.h"

#include <stdbool.h>

enum { UTF8_BYTES_MAX = 4 };

void log_tail_append(LogTail *tail, Text bytes)
{
    if (bytes.length > sizeof tail->ring) {
        bytes = text_from(bytes, bytes.length - sizeof tail->ring);
    }
    for (size_t i = 0; i < bytes.length; i++) {
        tail->ring[tail->end] = bytes.bytes[i];
        tail->end = (tail->end + 1) % sizeof tail->ring;
    }
    tail->length += bytes.length;
    tail->length = tail->length > sizeof tail->ring ? sizeof tail->ring : tail->length;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* The length of the character that the text begins with; 0 when it is none. */
static size_t character_length(Text text)
{
    if (text.bytes[0] == '\0') {
        return 0;
    }
    for (size_t length = 1; length <= UTF8_BYTES_MAX && length <= text.length; length++) {
        if (text_is_utf8((Text){text.bytes, length})) {
            return length;
        }
    }
    return 0;
}

void log_tail_read(const LogTail *tail, char out[LOG_TAIL_BYTES_MAX + 1])
{
    size_t start = (tail->end + sizeof tail->ring - tail->length) % sizeof tail->ring;
    for (size_t i = 0; i < tail->length; i++) {
        out[i] = tail->ring[(start + i) % sizeof tail->ring];
    }
    size_t cut = 0;
    bool full = tail->length == sizeof tail->ring;
    while (full && cut < UTF8_BYTES_MAX - 1 && is_continuation(out[cut])) {
        cut++;
    }
    size_t length = tail->length - cut;
    memmove(out, out + cut, length);
    out[length] = '\0';
    for (size_t i = 0; i < length;) {
        size_t character = character_length((Text){out + i, length - i});
        if (character == 0) {
            out[i] = '?';
        }
        i += character == 0 ? 1 : character;
    }
}
