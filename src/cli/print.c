/* SPDX-License-Identifier: Apache-2.0 */
/* Printing; see print.h. */
#include "cli/print.h"

#include <string.h>

#include "base/alloc.h"
#include "json/reader.h"

void print_json(const Cli *cli, const json_t *document)
{
    AUTO_FREE char *text = json_dumps(document, JSON_INDENT(2) | JSON_ENCODE_ANY);
    fprintf(cli->out, "%s\n", text == NULL ? "null" : text);
}

char *printable(const char *text)
{
    char *copy = alloc_string(text == NULL ? "" : text);
    for (char *c = copy; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        /* U+0080 to U+009F steer a terminal as well; in UTF-8 they are C2 80 to C2 9F. */
        bool high_control = byte == 0xC2U && ((unsigned char)c[1] & 0xE0U) == 0x80U;
        if (byte < 0x20U || byte == 0x7FU || high_control) {
            *c = '?';
            if (high_control) {
                *++c = '?';
            }
        }
    }
    return copy;
}

static size_t characters_of(const char *text)
{
    size_t count = 0;
    for (const char *c = text; *c != '\0'; c++) {
        count += ((unsigned char)*c & 0xC0U) != 0x80U;
    }
    return count;
}

static const char *cell_of(const TableRow *row, size_t column)
{
    return row->cells[column] == NULL ? "-" : row->cells[column];
}

void print_table(const Cli *cli, const TableRow *rows, size_t row_count, size_t column_count)
{
    size_t widths[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < row_count; i++) {
        for (size_t column = 0; column < column_count; column++) {
            size_t width = characters_of(cell_of(&rows[i], column));
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    for (size_t i = 0; i < row_count; i++) {
        for (size_t column = 0; column < column_count; column++) {
            AUTO_FREE char *cell = printable(cell_of(&rows[i], column));
            bool is_last = column + 1 == column_count;
            int padding = is_last ? 0 : (int)(widths[column] - characters_of(cell)) + 2;
            fprintf(cli->out, "%s%*s", cell, padding, "");
        }
        fputc('\n', cli->out);
    }
}

void shorten(char *text, unsigned characters)
{
    for (; *text != '\0'; text++) {
        bool starts = ((unsigned char)*text & 0xC0U) != 0x80U;
        if (starts && characters-- == 0) {
            *text = '\0';
            return;
        }
    }
}

char *duration_text(int64_t seconds)
{
    enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
    long long rest = seconds < 0 ? 0 : seconds;
    if (rest < MINUTE) {
        return alloc_format("%lld s", rest);
    }
    if (rest < HOUR) {
        return alloc_format("%lld min", rest / MINUTE);
    }
    if (rest < DAY) {
        return alloc_format("%lld h %lld min", rest / HOUR, rest % HOUR / MINUTE);
    }
    return alloc_format("%lld d %lld h", rest / DAY, rest % DAY / HOUR);
}

const char *member_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}
