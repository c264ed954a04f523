/* SPDX-License-Identifier: Apache-2.0 */
/* JSON log lines; see log.h. */
#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"

enum { LINE_BYTES_MAX = 16384 };

static atomic_int minimum_level = LOG_INFO;

static const char *const LEVEL_NAMES[] = {"debug", "info", "warning", "error"};

#define EVENT_NAME(constant, name, meaning) [constant] = (name),
static const char *const EVENT_NAMES[EVENT_COUNT] = {EVENT_LIST(EVENT_NAME)};
#undef EVENT_NAME

void log_set_level(LogLevel level)
{
    atomic_store(&minimum_level, (int)level);
}

/* What stands in front of a secret: share tokens, signatures of our own URLs and of the large
 * stores', credentials. Whoever logs a URL or another's message by mistake still gives none away.
 */
static size_t secret_prefix(const char *string)
{
    static const char *const PREFIXES[] = {"share_token=", "signature=",    "x-amz-credential=",
                                           "sig=",         "access_token=", "bearer ",
                                           "shr_"};
    for (size_t i = 0; i < ARRAY_COUNT(PREFIXES); i++) {
        size_t length = strlen(PREFIXES[i]);
        if (strncasecmp(string, PREFIXES[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

void log_redact(Buffer *out, const char *string)
{
    while (*string != '\0') {
        size_t length = secret_prefix(string);
        if (length == 0) {
            buffer_byte(out, *string++);
            continue;
        }
        buffer_append(out, string, length);
        buffer_string(out, "***");
        string += length;
        string += strcspn(string, "& \t\r\n\"'#,;<>(){}[]");
    }
}

static void write_string(Buffer *line, const char *string)
{
    AUTO_BUFFER clean;
    buffer_init(&clean, LINE_BYTES_MAX);
    log_redact(&clean, string);
    buffer_byte(line, '"');
    for (const char *c = buffer_to_string(&clean); *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            buffer_byte(line, '\\');
            buffer_byte(line, *c);
        } else if ((unsigned char)*c < 0x20) {
            buffer_format(line, "\\u%04x", (unsigned)*c);
        } else {
            buffer_byte(line, *c);
        }
    }
    buffer_byte(line, '"');
}

void log_write(LogLevel level, LogEvent event, const LogField *fields, size_t field_count)
{
    if ((int)level < atomic_load(&minimum_level)) {
        return;
    }
    AUTO_BUFFER line;
    buffer_init(&line, LINE_BYTES_MAX);
    char at[TIMESTAMP_BYTES];
    timestamp_format(clock_now_us(&SYSTEM_CLOCK), at);
    buffer_format(&line, "{\"at\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", at, LEVEL_NAMES[level],
                  EVENT_NAMES[event]);
    for (size_t i = 0; i < field_count; i++) {
        buffer_format(&line, ",\"%s\":", fields[i].name);
        if (fields[i].string != NULL) {
            write_string(&line, fields[i].string);
        } else {
            buffer_format(&line, "%lld", (long long)fields[i].number);
        }
    }
    buffer_string(&line, "}\n");
    /* One write call a line, so that lines of several processes do not mix. */
    ssize_t ignored = write(STDERR_FILENO, line.bytes, line.length);
    (void)ignored;
}

void log_error(LogLevel level, LogEvent event, const Error *error)
{
    log_event(level, event, LOG_STRING("code", error_code_name(error->code)),
              LOG_STRING("message", error->message), LOG_STRING("cause", error->cause));
}
