/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a report, and the numbers in them; see report_file.h. */
#include "analysis/report_file.h"

#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

enum { FLUSH_BYTES = 256 * 1024, BUFFER_BYTES_MAX = 2 * 1024 * 1024, FILE_MODE = 0644 };

/* What %g writes with an exponent, but is short enough to read. */
static const double PLAIN_MIN = 1e-4;
static const double PLAIN_MAX = 1e18;
enum { SIGNIFICANT_DIGITS = 4, TENTHS = 10 };

bool report_file_create(ReportFile *file, const char *folder, const char *name, Error *error)
{
    *file = (ReportFile){.path = alloc_format("%s/%s", folder, name)};
    buffer_init(&file->buffer, BUFFER_BYTES_MAX);
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (file->fd < 0) {
        return error_set(error, ERROR_INTERNAL, "cannot create '%s': %m", file->path);
    }
    return true;
}

static void write_out(ReportFile *file)
{
    Buffer *buffer = &file->buffer;
    if (file->failed) {
        buffer_reset(buffer);
        return;
    }
    if (buffer->overflow) {
        file->failed = true;
        error_set(&file->error, ERROR_LIMIT, "one part of it is larger than %d bytes",
                  BUFFER_BYTES_MAX);
        return;
    }
    file->failed = !fd_write_all(file->fd, buffer->bytes, buffer->length, &file->error);
    buffer_reset(buffer);
}

void report_file_flush(ReportFile *file)
{
    if (file->buffer.length >= FLUSH_BYTES || file->buffer.overflow) {
        write_out(file);
    }
}

bool report_file_finish(ReportFile *file, Error *error)
{
    write_out(file);
    int fd = TAKE_FD(file->fd);
    if (close(fd) != 0 && !file->failed) {
        file->failed = true;
        error_set(&file->error, ERROR_INTERNAL, "cannot write: %m");
    }
    if (file->failed) {
        *error = file->error;
        return error_context(error, "'%s'", file->path);
    }
    return true;
}

void report_file_close(ReportFile *file)
{
    if (file->path == NULL) {
        return;
    }
    if (file->fd >= 0) {
        close(file->fd);
        file->fd = -1;
    }
    buffer_clear(&file->buffer);
    alloc_free(file->path);
    file->path = NULL;
}

const char *report_number(double value, char out[REPORT_NUMBER_BYTES])
{
    if (!isfinite(value)) {
        return "N/A";
    }
    snprintf(out, REPORT_NUMBER_BYTES, "%.*g", SIGNIFICANT_DIGITS, value);
    double size = fabs(value);
    if (strchr(out, 'e') != NULL && size >= PLAIN_MIN && size < PLAIN_MAX) {
        /* The exponent form has been rounded already; written out, its other digits are zeros. */
        double rounded = strtod(out, NULL);
        snprintf(out, REPORT_NUMBER_BYTES, "%.0f", rounded);
    }
    return out;
}

double report_tenth(double value)
{
    return (double)llround(value * TENTHS) / TENTHS;
}

void report_tenths(Buffer *buffer, double value)
{
    char digits[24];
    char *end = digits + sizeof digits;
    char *place = end;
    int64_t tenths = llround(value * TENTHS);
    uint64_t rest = (uint64_t)(tenths < 0 ? -tenths : tenths);
    if (rest % 10 != 0) {
        *--place = (char)('0' + rest % 10);
        *--place = '.';
    }
    rest /= 10;
    do {
        *--place = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (tenths < 0) {
        *--place = '-';
    }
    buffer_append(buffer, place, (size_t)(end - place));
}
