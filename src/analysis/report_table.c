/* SPDX-License-Identifier: Apache-2.0 */
/* See report_table.h. */
#include "analysis/report_table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analysis/report_file.h"

/* Names of all columns have some 280 KiB. */
enum { LINE_BYTES_MAX = 512 * 1024, COLUMN_BYTES_MAX = 128 };

static const char MISSING[] = "N/A";

void report_table_init(ReportTable *table)
{
    buffer_init(&table->names, LINE_BYTES_MAX);
    buffer_init(&table->values, LINE_BYTES_MAX);
}

void report_table_clear(ReportTable *table)
{
    buffer_clear(&table->names);
    buffer_clear(&table->values);
}

static void begin_column(ReportTable *table, const char *name)
{
    if (table->names.length > 0) {
        buffer_byte(&table->names, ',');
        buffer_byte(&table->values, ',');
    }
    buffer_string(&table->names, name);
}

static void PRINTF_LIKE(2, 0)
    begin_column_of(ReportTable *table, const char *format, va_list arguments)
{
    char name[COLUMN_BYTES_MAX];
    vsnprintf(name, sizeof name, format, arguments);
    begin_column(table, name);
}

void report_table_number(ReportTable *table, double value, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    begin_column_of(table, format, arguments);
    va_end(arguments);
    char number[REPORT_NUMBER_BYTES];
    buffer_string(&table->values, report_number(value, number));
}

void report_table_count(ReportTable *table, int64_t count, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    begin_column_of(table, format, arguments);
    va_end(arguments);
    if (count < 0) {
        buffer_string(&table->values, MISSING);
    } else {
        buffer_format(&table->values, "%lld", (long long)count);
    }
}

/* RFC 4180: "Fields containing line breaks (CRLF), double quotes, and commas should be enclosed in
 * double-quotes." Line breaks would also break the table for readers by line: they become spaces.
 * Readers that take the first line for a comment would take a number sign for one too, but not
 * within quotes. */
void report_table_text(ReportTable *table, const char *text, const char *name)
{
    begin_column(table, name);
    if (!string_is_given(text)) {
        buffer_string(&table->values, MISSING);
        return;
    }
    bool quoted = strpbrk(text, ",\"\r\n#") != NULL;
    if (quoted) {
        buffer_byte(&table->values, '"');
    }
    for (const char *place = text; *place != '\0'; place++) {
        bool line_break = *place == '\r' || *place == '\n';
        buffer_byte(&table->values, line_break ? ' ' : *place);
        if (*place == '"') {
            buffer_byte(&table->values, '"');
        }
    }
    if (quoted) {
        buffer_byte(&table->values, '"');
    }
}

double report_share(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}
