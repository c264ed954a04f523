/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress: picks the lines "progress F stage words" out of an application's standard output and
 * gives all other bytes to the log's tail. It keeps the newest line only: an application may write
 * as many as it likes.
 */
#pragma once
#include <stdbool.h>

#include "base/text.h"
#include "sandbox/log_tail.h"

/* A longer line is no progress line. */
enum { PROGRESS_LINE_BYTES_MAX = 256 };

typedef struct Progress {
    char line[PROGRESS_LINE_BYTES_MAX]; /* the start of an unfinished line */
    size_t line_length;
    bool line_is_log; /* its first part went to the log already */
    bool is_new;      /* since the last progress_take */
    double fraction;
    char stage[PROGRESS_LINE_BYTES_MAX];
    size_t stage_length;
} Progress;

void progress_append(Progress *progress, Text bytes, LogTail *log);
/* The stream ended: an unfinished line counts as one. */
void progress_finish(Progress *progress, LogTail *log);
/* True once for each change; the stage is valid until the next append. */
bool progress_take(Progress *progress, double *fraction_out, Text *stage_out);
