/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON into a buffer, left to right, without a tree. Commas are set by the writer; the
 * caller nests begin and end rightly (asserted). Large documents flush the buffer between parts.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/text.h"

enum { WRITER_DEPTH_MAX = 32 };

typedef struct JsonWriter {
    Buffer *out;
    int depth;
    bool needs_comma[WRITER_DEPTH_MAX];
    bool after_key;
} JsonWriter;

void writer_init(JsonWriter *writer, Buffer *out);
void writer_begin_object(JsonWriter *writer);
void writer_end_object(JsonWriter *writer);
void writer_begin_array(JsonWriter *writer);
void writer_end_array(JsonWriter *writer);
/* The key is a constant without quotes, backslashes and control characters. */
void writer_key(JsonWriter *writer, const char *key);
/* The text must be valid UTF-8. */
void writer_text(JsonWriter *writer, Text text);
/* NULL is written as null. */
void writer_string(JsonWriter *writer, const char *string);
void writer_integer(JsonWriter *writer, int64_t value);
/* At most `decimals` digits behind the point, without trailing zeros; not finite becomes null. */
void writer_number(JsonWriter *writer, double value, int decimals);
void writer_bool(JsonWriter *writer, bool value);
void writer_null(JsonWriter *writer);
/* A value that is JSON already. */
void writer_raw(JsonWriter *writer, Text json);

/* A key with its value in one line. */
void writer_key_string(JsonWriter *writer, const char *key, const char *string);
void writer_key_integer(JsonWriter *writer, const char *key, int64_t value);
