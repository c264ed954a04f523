/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: a fixed-size value that the caller owns. A function that can fail returns bool: true
 * means its outputs are set, false means *error is set. `message` may be shown to a client;
 * `cause` is for the log. Expected outcomes are results, not errors.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"

typedef enum ErrorCode {
    ERROR_NONE,
    ERROR_INVALID,      /* the caller's input is wrong */
    ERROR_UNAUTHORIZED, /* no valid credentials */
    ERROR_FORBIDDEN,    /* known caller, not allowed */
    ERROR_NOT_FOUND,
    ERROR_CONFLICT,    /* the state does not allow it */
    ERROR_GONE,        /* it existed and was deleted */
    ERROR_LIMIT,       /* a bound in base/limits.h or a quota was reached */
    ERROR_UNAVAILABLE, /* something we depend on is away; trying again may help */
    ERROR_INTERNAL,
    ERROR_CODE_COUNT
} ErrorCode;

#define ERROR_MESSAGE_BYTES 512

typedef struct Error {
    ErrorCode code;
    char message[ERROR_MESSAGE_BYTES];
    char cause[ERROR_MESSAGE_BYTES];
} Error;

/* Sets code and message; always false, so that `return error_set(…)` reads well. */
#define error_set(...) ERROR_IS_FALSE(error_set_text(__VA_ARGS__))

/* Adds what the operator should know and a client should not. Always false. */
#define error_cause(...) ERROR_IS_FALSE(error_set_cause(__VA_ARGS__))

/* Puts "context: " before the message: once per layer. Always false. */
#define error_context(...) ERROR_IS_FALSE(error_add_context(__VA_ARGS__))

/* The constant is in the caller's sight, so that compilers and analyzers know it too. */
#define ERROR_IS_FALSE(call)                                                                       \
    ({                                                                                             \
        call;                                                                                      \
        false;                                                                                     \
    })

void error_set_text(Error *error, ErrorCode code, const char *format, ...) PRINTF_LIKE(3, 4);
void error_set_cause(Error *error, const char *format, ...) PRINTF_LIKE(2, 3);
void error_add_context(Error *error, const char *format, ...) PRINTF_LIKE(2, 3);

void error_clear(Error *error);

/* The name of a code as it stands in the log ("not_found"). */
const char *error_code_name(ErrorCode code);
