/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as JSON; see rows.h. */
#include "http/rows.h"

#include <string.h>

enum { TIMESTAMP_TEXT_BYTES = 48 };

const char *row_value(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

void row_string(JsonWriter *writer, const char *key, const PGresult *result, int row, int column)
{
    writer_key_string(writer, key, row_value(result, row, column));
}

void row_raw(JsonWriter *writer, const char *key, const PGresult *result, int row, int column)
{
    const char *value = row_value(result, row, column);
    writer_key(writer, key);
    writer_raw(writer, value == NULL ? TEXT("null") : text_of(value));
}

void row_bool(JsonWriter *writer, const char *key, const PGresult *result, int row, int column)
{
    const char *value = row_value(result, row, column);
    writer_key(writer, key);
    writer_raw(writer, value == NULL ? TEXT("null") : *value == 't' ? TEXT("true") : TEXT("false"));
}

/* "2026-01-31 12:00:00.5+00" → "2026-01-31T12:00:00.5Z" */
void row_timestamp(JsonWriter *writer, const char *key, const PGresult *result, int row, int column)
{
    const char *value = row_value(result, row, column);
    writer_key(writer, key);
    if (value == NULL) {
        writer_null(writer);
        return;
    }
    char text[TIMESTAMP_TEXT_BYTES];
    size_t length = strcspn(value, "+");
    if (length + 2 > sizeof text) {
        length = sizeof text - 2;
    }
    memcpy(text, value, length);
    char *space = memchr(text, ' ', length);
    if (space != NULL) {
        *space = 'T';
    }
    text[length] = 'Z';
    writer_text(writer, (Text){text, length + 1});
}

void rows_render(const PGresult *result,
                 void (*write_row)(JsonWriter *writer, const PGresult *result, int row),
                 Response *response)
{
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_array(&writer);
    for (int row = 0; row < PQntuples(result); row++) {
        write_row(&writer, result, row);
    }
    writer_end_array(&writer);
}
