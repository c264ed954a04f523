/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one JSON line an event to stderr. Only programs, *_api.c and the tops of loops log;
 * everything below returns errors. Never a token, a signed URL or a slide's label.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/events.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR } LogLevel;

typedef struct LogField {
    const char *name;
    const char *string; /* NULL: `number` counts */
    int64_t number;
} LogField;

static inline LogField log_string(const char *name, const char *string)
{
    return (LogField){name, string != NULL ? string : "", 0};
}
#define LOG_STRING(field_name, value) log_string((field_name), (value))
#define LOG_NUMBER(field_name, value) ((LogField){(field_name), NULL, (int64_t)(value)})

/* Events below this level are dropped; LOG_INFO at the start. */
void log_set_level(LogLevel level);

void log_write(LogLevel level, LogEvent event, const LogField *fields, size_t field_count);

/* log_event(LOG_INFO, EVENT_WORKER_STARTED, LOG_STRING("name", name)) */
#define log_event(level, event, ...)                                                               \
    log_write((level), (event), (const LogField[]){__VA_ARGS__},                                   \
              sizeof((const LogField[]){__VA_ARGS__}) / sizeof(LogField))

/* Appends a text with *** in the place of every secret that can be told by what stands before it.
 * log_event does it to each of its strings. */
void log_redact(Buffer *out, const char *string);

/* An error at the place where it is handled: code, message and cause. */
void log_error(LogLevel level, LogEvent event, const Error *error);
