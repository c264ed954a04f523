/* SPDX-License-Identifier: Apache-2.0 */
/* A table of one line. Each value is written together with the name of its column, so that they
 * cannot come apart. */
#pragma once
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"

typedef struct ReportTable {
    Buffer names;
    Buffer values;
} ReportTable;

void report_table_init(ReportTable *table);
void report_table_clear(ReportTable *table);
#define AUTO_REPORT_TABLE CLEANUP(report_table_clear) ReportTable

/* Adds a column whose name is `format`. What is not finite is missing ("N/A"). */
void report_table_number(ReportTable *table, double value, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* A count is written with all its digits; below zero it is missing. */
void report_table_count(ReportTable *table, int64_t count, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Without text (NULL or "") it is missing. Line breaks become spaces. */
void report_table_text(ReportTable *table, const char *text, const char *name);

/* The share of a whole; NaN of nothing. */
double report_share(double part, double whole);
