/* SPDX-License-Identifier: Apache-2.0 */
/* What commands print: one JSON document, or a table of texts. */
#pragma once
#include <jansson.h>
#include <stddef.h>

#include "base/attributes.h"
#include "cli/command.h"

/* Prints the document on lines of its own; it stays the caller's. */
void print_json(const Cli *cli, const json_t *document);

enum { COLUMNS_MAX = 10 };

/* A row of a table; texts are borrowed, NULL is printed as "-". */
typedef struct TableRow {
    const char *cells[COLUMNS_MAX];
} TableRow;

/* Columns as wide as their widest text; the first row is the head. */
void print_table(const Cli *cli, const TableRow *rows, size_t row_count, size_t column_count);

/* A copy for a terminal: no control characters, so that a name from elsewhere cannot steer it.
 * AUTO_FREE; NULL gives "". */
MUST_CHECK char *printable(const char *text);

/* Cuts the text after so many characters, never inside one. */
void shorten(char *text, unsigned characters);
/* "59 s", "3 min", "2 h 5 min", "3 d 4 h"; AUTO_FREE. */
MUST_CHECK char *duration_text(int64_t seconds);

/* The member as a text for a table: a string, or NULL. */
const char *member_text(const json_t *object, const char *key);
