/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a result as JSON: text values, null where SQL says null. */
#pragma once
#include <libpq-fe.h>

#include "http/response.h"
#include "json/writer.h"

/* The value, or NULL for SQL's null. Valid as long as the result. */
const char *row_value(const PGresult *result, int row, int column);
/* A string or null. */
void row_string(JsonWriter *writer, const char *key, const PGresult *result, int row, int column);
/* JSON, a number or null, written as it is. */
void row_raw(JsonWriter *writer, const char *key, const PGresult *result, int row, int column);
/* A boolean or null. */
void row_bool(JsonWriter *writer, const char *key, const PGresult *result, int row, int column);
/* A timestamptz of a session in UTC as RFC 3339: "2026-01-31T12:00:00.5Z"; or null. */
void row_timestamp(
    JsonWriter *writer, const char *key, const PGresult *result, int row, int column);
/* 200 with an array of what write_row makes of each row. */
void rows_render(const PGresult *result,
                 void (*write_row)(JsonWriter *writer, const PGresult *result, int row),
                 Response *response);
