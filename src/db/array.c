/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's text form of arrays; see array.h. */
#include "db/array.h"

#include <inttypes.h>
#include <string.h>

void array_init(ArrayWriter *array, size_t bytes_max)
{
    buffer_init(&array->text, bytes_max);
    array->count = 0;
}

void array_clear(ArrayWriter *array)
{
    buffer_clear(&array->text);
}

static void separate(ArrayWriter *array)
{
    buffer_byte(&array->text, array->count == 0 ? '{' : ',');
    array->count++;
}

/* The length of the front part without a quote or a backslash. */
static size_t plain_length(Text text)
{
    size_t length = 0;
    while (length < text.length && text.bytes[length] != '"' && text.bytes[length] != '\\') {
        length++;
    }
    return length;
}

void array_add(ArrayWriter *array, Text element)
{
    separate(array);
    buffer_byte(&array->text, '"');
    for (;;) {
        size_t plain = plain_length(element);
        buffer_append(&array->text, element.bytes, plain);
        if (plain == element.length) {
            break;
        }
        buffer_byte(&array->text, '\\');
        buffer_byte(&array->text, element.bytes[plain]);
        element = text_from(element, plain + 1);
    }
    buffer_byte(&array->text, '"');
}

void array_add_string(ArrayWriter *array, const char *element)
{
    if (element != NULL) {
        array_add(array, text_of(element));
        return;
    }
    separate(array);
    buffer_string(&array->text, "NULL");
}

void array_add_number(ArrayWriter *array, int64_t element)
{
    separate(array);
    buffer_format(&array->text, "%" PRId64, element);
}

const char *array_finish(ArrayWriter *array)
{
    if (array->count == 0) {
        buffer_byte(&array->text, '{');
    }
    buffer_byte(&array->text, '}');
    return array->text.overflow ? NULL : buffer_to_string(&array->text);
}

const char *array_take(ArrayWriter *array, Arena *arena)
{
    const char *text = array_finish(array);
    const char *taken = text == NULL ? NULL : arena_string(arena, text_of(text));
    size_t bytes_max = array->text.maximum;
    array_clear(array);
    array_init(array, bytes_max);
    return taken;
}
