/* SPDX-License-Identifier: Apache-2.0 */
/* The tail of a log: the last bytes of a stream of any length, given out as valid UTF-8. */
#pragma once
#include <stddef.h>

#include "base/limits.h"
#include "base/text.h"

typedef struct LogTail {
    char ring[LOG_TAIL_BYTES_MAX];
    size_t length; /* bytes in the ring */
    size_t end;    /* where the next byte goes */
} LogTail;

void log_tail_append(LogTail *tail, Text bytes);
/* What is kept, oldest first. A character that was cut at the start is left out; a byte that is no
 * UTF-8, or NUL, becomes '?'. */
void log_tail_read(const LogTail *tail, char out[LOG_TAIL_BYTES_MAX + 1]);
