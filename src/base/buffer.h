/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buffer: bytes that grow up to a maximum given at the start. Writing past the maximum sets
 * `overflow` and drops the bytes, so that a long chain of writes is checked once at its end.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/text.h"

typedef struct Buffer {
    char *bytes;
    size_t length;
    size_t capacity;
    size_t maximum;
    bool overflow;
} Buffer;

void buffer_init(Buffer *buffer, size_t maximum_bytes);
void buffer_clear(Buffer *buffer);
#define AUTO_BUFFER CLEANUP(buffer_clear) Buffer

void buffer_append(Buffer *buffer, const void *bytes, size_t length);
void buffer_text(Buffer *buffer, Text text);
void buffer_string(Buffer *buffer, const char *string);
void buffer_byte(Buffer *buffer, char byte);
void buffer_format(Buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* Makes room for `length` more bytes and returns where they go, or NULL on overflow; the caller
 * then adds to buffer->length what it wrote. */
char *buffer_reserve(Buffer *buffer, size_t length);
/* Forgets the content, keeps the memory. */
void buffer_reset(Buffer *buffer);
Text buffer_view(const Buffer *buffer);
/* The content with a NUL behind it; valid until the next write. */
const char *buffer_to_string(Buffer *buffer);
/* Gives the content (with a NUL behind it) away and leaves the buffer empty. */
char *buffer_take(Buffer *buffer, size_t *length_out);
