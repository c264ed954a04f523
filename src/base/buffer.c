/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes with a maximum; see buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { FIRST_CAPACITY_BYTES = 256 };

void buffer_init(Buffer *buffer, size_t maximum_bytes)
{
    *buffer = (Buffer){.maximum = maximum_bytes};
}

void buffer_clear(Buffer *buffer)
{
    alloc_free(buffer->bytes);
    *buffer = (Buffer){.maximum = buffer->maximum};
}

char *buffer_reserve(Buffer *buffer, size_t length)
{
    if (buffer->overflow || length > buffer->maximum - buffer->length) {
        buffer->overflow = true;
        return NULL;
    }
    size_t wanted = buffer->length + length + 1; /* one more for buffer_to_string */
    if (wanted > buffer->capacity) {
        size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY_BYTES;
        while (capacity < wanted) {
            capacity *= 2;
        }
        buffer->bytes = alloc_resize(buffer->bytes, capacity, 1);
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->length;
}

void buffer_append(Buffer *buffer, const void *bytes, size_t length)
{
    char *place = buffer_reserve(buffer, length);
    if (place != NULL && length > 0) {
        memcpy(place, bytes, length);
        buffer->length += length;
    }
}

void buffer_text(Buffer *buffer, Text text)
{
    buffer_append(buffer, text.bytes, text.length);
}

void buffer_string(Buffer *buffer, const char *string)
{
    buffer_append(buffer, string, strlen(string));
}

void buffer_byte(Buffer *buffer, char byte)
{
    buffer_append(buffer, &byte, 1);
}

void buffer_format(Buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    /* Mostly it fits into what is there, and need not be formatted twice. */
    size_t spare = buffer->capacity - buffer->length;
    char *end = spare > 0 ? buffer->bytes + buffer->length : NULL;
    int length = vsnprintf(end, spare, format, arguments);
    va_end(arguments);
    char *place = length < 0 ? NULL : buffer_reserve(buffer, (size_t)length);
    if (place != NULL) {
        if ((size_t)length >= spare) {
            vsnprintf(place, (size_t)length + 1, format, again);
        }
        buffer->length += (size_t)length;
    } else if (end != NULL) {
        *end = '\0'; /* as it was: what does not fit is not there in part either */
    }
    va_end(again);
}

void buffer_reset(Buffer *buffer)
{
    buffer->length = 0;
    buffer->overflow = false;
}

Text buffer_view(const Buffer *buffer)
{
    return (Text){buffer->bytes, buffer->length};
}

const char *buffer_to_string(Buffer *buffer)
{
    if (buffer->bytes == NULL) {
        return "";
    }
    buffer->bytes[buffer->length] = '\0';
    return buffer->bytes;
}

char *buffer_take(Buffer *buffer, size_t *length_out)
{
    if (buffer->bytes == NULL) {
        buffer->bytes = alloc_array(1, 1);
    }
    buffer->bytes[buffer->length] = '\0';
    if (length_out != NULL) {
        *length_out = buffer->length;
    }
    char *bytes = buffer->bytes;
    *buffer = (Buffer){.maximum = buffer->maximum};
    return bytes;
}
