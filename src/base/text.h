/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text: a view of bytes that somebody else owns, passed by value. It need not end in NUL and may
 * hold any byte; valid as long as the memory it points to.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct Text {
    const char *bytes;
    size_t length;
} Text;

/* A view of a string literal. */
#define TEXT(literal) ((Text){(literal), sizeof(literal) - 1})
/* For printf's "%.*s". */
#define TEXT_ARGUMENTS(text) (int)(text).length, (text).bytes

static inline Text text_of(const char *string)
{
    return (Text){string, string == NULL ? 0 : strlen(string)};
}

/* Neither NULL nor empty: how optional settings and values come. */
static inline bool string_is_given(const char *string)
{
    return string != NULL && string[0] != '\0';
}

bool text_equal(Text a, Text b);
bool text_is(Text text, const char *string);
bool text_starts_with(Text text, const char *prefix);
bool text_ends_with(Text text, const char *suffix);
/* The part from `offset` on; empty when offset is past the end. */
Text text_from(Text text, size_t offset);
/* Cuts the text at the first `separator`: returns what stands before it and moves *rest behind it.
 * Without a separator all of it is returned and *rest becomes empty with bytes == NULL. */
Text text_split(Text *rest, char separator);
/* No white space at either end. */
Text text_trim(Text text);
/* Valid UTF-8 after RFC 3629 (no surrogates, no overlong forms). */
bool text_is_utf8(Text text);
/* Copies into `out` with a NUL; false when it does not fit or holds a NUL itself. */
bool text_copy(Text text, char *out, size_t out_bytes);
/* A heap copy with a NUL behind it. */
char *text_to_string(Text text);
