/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions of schemas (ECMA 262's, as far as PCRE2 speaks them), matched with a bound on
 * backtracking. A pattern is read-only once compiled and may be used by several threads.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/text.h"

typedef struct Pattern Pattern;
struct Pattern {
    Pattern *next; /* for its owner's list */
    const char *text;
    struct pcre2_real_code_8 *code;
};

/* `text` is borrowed and lives as long as the pattern. */
MUST_CHECK bool pattern_compile(const char *text, Pattern **pattern_out, Error *error);
void pattern_destroy(Pattern *pattern);
/* Bytes that it takes when compiled. */
size_t pattern_size(const Pattern *pattern);

/* What a match needs besides the pattern; one thread's. */
typedef struct PatternMatcher {
    struct pcre2_real_match_data_8 *data;
    struct pcre2_real_match_context_8 *context;
} PatternMatcher;

typedef enum PatternResult {
    PATTERN_MATCHES,
    PATTERN_DIFFERS,
    PATTERN_TOO_COSTLY /* it would backtrack more than SCHEMA_MATCH_STEPS_MAX times */
} PatternResult;

/* `matcher` may be all zero. Takes what the match costs at most from *steps_left. */
PatternResult
pattern_search(const Pattern *pattern, Text subject, PatternMatcher *matcher, long *steps_left);
void pattern_matcher_clear(PatternMatcher *matcher);
