/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as values; see error.h. */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const CODE_NAMES[ERROR_CODE_COUNT] = {
    [ERROR_NONE] = "none",
    [ERROR_INVALID] = "invalid",
    [ERROR_UNAUTHORIZED] = "unauthorized",
    [ERROR_FORBIDDEN] = "forbidden",
    [ERROR_NOT_FOUND] = "not_found",
    [ERROR_CONFLICT] = "conflict",
    [ERROR_GONE] = "gone",
    [ERROR_LIMIT] = "limit",
    [ERROR_UNAVAILABLE] = "unavailable",
    [ERROR_INTERNAL] = "internal",
};

void error_set_text(Error *error, ErrorCode code, const char *format, ...)
{
    assert(code != ERROR_NONE);
    error->code = code;
    error->cause[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
}

void error_set_cause(Error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->cause, sizeof error->cause, format, arguments);
    va_end(arguments);
}

void error_add_context(Error *error, const char *format, ...)
{
    char context[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);

    char message[ERROR_MESSAGE_BYTES * 2 + 2];
    snprintf(message, sizeof message, "%s: %s", context, error->message);
    message[sizeof error->message - 1] = '\0';
    memcpy(error->message, message, sizeof error->message);
}

void error_clear(Error *error)
{
    error->code = ERROR_NONE;
    error->message[0] = '\0';
    error->cause[0] = '\0';
}

const char *error_code_name(ErrorCode code)
{
    return code < ERROR_CODE_COUNT ? CODE_NAMES[code] : "unknown";
}
