/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming JSON; see writer.h. */
#include "json/writer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_BYTES = 400 };

void writer_init(JsonWriter *writer, Buffer *out)
{
    *writer = (JsonWriter){.out = out};
}

static void before_value(JsonWriter *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    if (writer->needs_comma[writer->depth]) {
        buffer_byte(writer->out, ',');
    }
    writer->needs_comma[writer->depth] = true;
}

static void begin(JsonWriter *writer, char bracket)
{
    before_value(writer);
    buffer_byte(writer->out, bracket);
    assert(writer->depth + 1 < WRITER_DEPTH_MAX);
    writer->needs_comma[++writer->depth] = false;
}

static void end(JsonWriter *writer, char bracket)
{
    assert(writer->depth > 0 && !writer->after_key);
    writer->depth--;
    buffer_byte(writer->out, bracket);
}

void writer_begin_object(JsonWriter *writer)
{
    begin(writer, '{');
}

void writer_end_object(JsonWriter *writer)
{
    end(writer, '}');
}

void writer_begin_array(JsonWriter *writer)
{
    begin(writer, '[');
}

void writer_end_array(JsonWriter *writer)
{
    end(writer, ']');
}

/* Keys are our own constants: nothing in them needs an escape, so they are copied as they are. */
void writer_key(JsonWriter *writer, const char *key)
{
    assert(!writer->after_key);
    const Text text = text_of(key);
    char *place = buffer_reserve(writer->out, text.length + 4);
    if (place == NULL) {
        return;
    }
    char *end_of_key = place;
    if (writer->needs_comma[writer->depth]) {
        *end_of_key++ = ',';
    }
    *end_of_key++ = '"';
    memcpy(end_of_key, text.bytes, text.length);
    end_of_key += text.length;
    *end_of_key++ = '"';
    *end_of_key++ = ':';
    writer->out->length += (size_t)(end_of_key - place);
    writer->needs_comma[writer->depth] = true;
    writer->after_key = true;
}

/* Whether one of eight bytes is a control character, a quote or a backslash: for each case the
 * subtraction borrows into the top bit of such a byte ("Bit Twiddling Hacks", S. E. Anderson,
 * "determine if a word has a zero byte"). Bytes from 0x80 on never count. A borrow may also mark a
 * byte behind a true hit; the caller then looks at each byte. */
static bool has_special_byte(const char *bytes)
{
    const uint64_t ones = 0x0101010101010101ULL;
    const uint64_t tops = 0x8080808080808080ULL;
    uint64_t word = 0;
    memcpy(&word, bytes, sizeof word);
    uint64_t quotes = word ^ (ones * '"');
    uint64_t backslashes = word ^ (ones * '\\');
    uint64_t hits = ((word - ones * 0x20) & ~word) | ((quotes - ones) & ~quotes) |
                    ((backslashes - ones) & ~backslashes);
    return (hits & tops) != 0;
}

/* The length of the front part that needs no escape. */
static size_t plain_length(Text text)
{
    size_t i = 0;
    while (i + 8 <= text.length && !has_special_byte(text.bytes + i)) {
        i += 8;
    }
    for (; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if (byte < 0x20 || byte == '"' || byte == '\\') {
            return i;
        }
    }
    return i;
}

static void escape_byte(Buffer *out, unsigned char byte)
{
    static const char SHORT_FORMS[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                       ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    char short_form = byte < sizeof SHORT_FORMS ? SHORT_FORMS[byte] : '\0';
    if (short_form != '\0') {
        buffer_byte(out, '\\');
        buffer_byte(out, short_form);
    } else {
        buffer_format(out, "\\u%04x", byte);
    }
}

void writer_text(JsonWriter *writer, Text text)
{
    before_value(writer);
    buffer_byte(writer->out, '"');
    for (;;) {
        size_t plain = plain_length(text);
        buffer_append(writer->out, text.bytes, plain);
        if (plain == text.length) {
            break;
        }
        escape_byte(writer->out, (unsigned char)text.bytes[plain]);
        text = text_from(text, plain + 1);
    }
    buffer_byte(writer->out, '"');
}

void writer_string(JsonWriter *writer, const char *string)
{
    if (string == NULL) {
        writer_null(writer);
    } else {
        writer_text(writer, text_of(string));
    }
}

void writer_integer(JsonWriter *writer, int64_t value)
{
    before_value(writer);
    buffer_format(writer->out, "%lld", (long long)value);
}

void writer_number(JsonWriter *writer, double value, int decimals)
{
    if (!isfinite(value)) {
        writer_null(writer);
        return;
    }
    char digits[NUMBER_BYTES];
    int length = snprintf(digits, sizeof digits, "%.*f", decimals, value);
    if (decimals > 0) {
        while (digits[length - 1] == '0') {
            length--;
        }
        length -= digits[length - 1] == '.' ? 1 : 0;
    }
    if (length == 2 && digits[0] == '-' && digits[1] == '0') {
        digits[0] = '0';
        length = 1;
    }
    writer_raw(writer, (Text){digits, (size_t)length});
}

void writer_bool(JsonWriter *writer, bool value)
{
    writer_raw(writer, value ? TEXT("true") : TEXT("false"));
}

void writer_null(JsonWriter *writer)
{
    writer_raw(writer, TEXT("null"));
}

void writer_raw(JsonWriter *writer, Text json)
{
    before_value(writer);
    buffer_text(writer->out, json);
}

void writer_key_string(JsonWriter *writer, const char *key, const char *string)
{
    writer_key(writer, key);
    writer_string(writer, string);
}

void writer_key_integer(JsonWriter *writer, const char *key, int64_t value)
{
    writer_key(writer, key);
    writer_integer(writer, value);
}
