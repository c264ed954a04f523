/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is written from front to back through a small buffer, so that its size is bounded
 * by the disk and not by memory. What fails is kept, and told by report_file_finish.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

typedef struct ReportFile {
    char *path;
    int fd;
    Buffer buffer; /* written to by the caller, then report_file_flush */
    bool failed;
    Error error;
} ReportFile;

MUST_CHECK bool
report_file_create(ReportFile *file, const char *folder, const char *name, Error *error);
/* To be called between parts of at most 1 MiB: writes the buffer out when it is full enough. */
void report_file_flush(ReportFile *file);
/* Writes the rest; only then is the file complete. */
MUST_CHECK bool report_file_finish(ReportFile *file, Error *error);
void report_file_close(ReportFile *file);
#define AUTO_REPORT_FILE CLEANUP(report_file_close) ReportFile

enum { REPORT_NUMBER_BYTES = 40 };
/* Four significant digits without an exponent from 0.0001 on ("12350000", "0.4994"), "N/A" for
 * what is not finite. */
const char *report_number(double value, char out[REPORT_NUMBER_BYTES]);
/* A number with at most one digit behind the point: "12", "12.5". */
void report_tenths(Buffer *buffer, double value);
/* The number that these digits stand for. */
double report_tenth(double value);
