/* SPDX-License-Identifier: Apache-2.0 */
/* Views of bytes; see text.h. */
#include "base/text.h"

#include <stdint.h>

#include "base/alloc.h"

bool text_equal(Text a, Text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

bool text_is(Text text, const char *string)
{
    return text_equal(text, text_of(string));
}

bool text_starts_with(Text text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.bytes, prefix, length) == 0;
}

bool text_ends_with(Text text, const char *suffix)
{
    size_t length = strlen(suffix);
    return text.length >= length && memcmp(text.bytes + text.length - length, suffix, length) == 0;
}

Text text_from(Text text, size_t offset)
{
    if (offset >= text.length) {
        return (Text){text.bytes, 0};
    }
    return (Text){text.bytes + offset, text.length - offset};
}

Text text_split(Text *rest, char separator)
{
    const char *found = rest->length == 0 ? NULL : memchr(rest->bytes, separator, rest->length);
    Text before = *rest;
    if (found == NULL) {
        *rest = (Text){NULL, 0};
        return before;
    }
    before.length = (size_t)(found - rest->bytes);
    *rest = text_from(*rest, before.length + 1);
    return before;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

Text text_trim(Text text)
{
    while (text.length > 0 && is_space(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && is_space(text.bytes[text.length - 1])) {
        text.length--;
    }
    return text;
}

/* The length of the sequence that `lead` starts, and the smallest code point that needs it. */
static size_t utf8_sequence(uint8_t lead, uint32_t *bits, uint32_t *smallest)
{
    if (lead < 0x80) {
        *bits = lead;
        *smallest = 0;
        return 1;
    }
    if ((lead & 0xE0) == 0xC0) {
        *bits = lead & 0x1FU;
        *smallest = 0x80;
        return 2;
    }
    if ((lead & 0xF0) == 0xE0) {
        *bits = lead & 0x0FU;
        *smallest = 0x800;
        return 3;
    }
    if ((lead & 0xF8) == 0xF0) {
        *bits = lead & 0x07U;
        *smallest = 0x10000;
        return 4;
    }
    return 0;
}

bool text_is_utf8(Text text)
{
    const uint8_t *bytes = (const uint8_t *)text.bytes;
    for (size_t i = 0; i < text.length;) {
        uint32_t point = 0;
        uint32_t smallest = 0;
        size_t length = utf8_sequence(bytes[i], &point, &smallest);
        if (length == 0 || length > text.length - i) {
            return false;
        }
        for (size_t k = 1; k < length; k++) {
            if ((bytes[i + k] & 0xC0) != 0x80) {
                return false;
            }
            point = (point << 6) | (bytes[i + k] & 0x3FU);
        }
        bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        if (point < smallest || surrogate || point > 0x10FFFF) {
            return false;
        }
        i += length;
    }
    return true;
}

bool text_copy(Text text, char *out, size_t out_bytes)
{
    if (text.length >= out_bytes || memchr(text.bytes, '\0', text.length) != NULL) {
        return false;
    }
    memcpy(out, text.bytes, text.length);
    out[text.length] = '\0';
    return true;
}

char *text_to_string(Text text)
{
    char *string = alloc_array(text.length + 1, 1);
    if (text.length > 0) {
        memcpy(string, text.bytes, text.length);
    }
    string[text.length] = '\0';
    return string;
}
