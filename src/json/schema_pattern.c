/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded regular expressions; see schema_pattern.h. */
#include "json/schema_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"
#include "base/limits.h"

enum {
    PARENTHESES_MAX = 100,
    HEAP_KIB_MAX = 1024,
    /* Nearly every match needs less; one that needs more is tried again with the full limit. */
    FIRST_TRY_STEPS = 1000,
    /* PCRE2 does about a hundred of its steps while a check does one. */
    MATCH_STEPS_PER_STEP = 100
};

/* The dialect of JavaScript where the two differ: $ is the very end, \u0041, [^]. */
#define OPTIONS                                                                                    \
    (PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |                 \
     PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C)

static pcre2_compile_context *compile_context(void)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context != NULL) {
        pcre2_set_max_pattern_length(context, SCHEMA_PATTERN_BYTES_MAX);
        pcre2_set_parens_nest_limit(context, PARENTHESES_MAX);
    }
    return context;
}

bool pattern_compile(const char *text, Pattern **pattern_out, Error *error)
{
    int reason = 0;
    PCRE2_SIZE offset = 0;
    pcre2_compile_context *context = compile_context();
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, OPTIONS, &reason, &offset, context);
    pcre2_compile_context_free(context);
    if (code == NULL) {
        PCRE2_UCHAR message[256] = "";
        pcre2_get_error_message(reason, message, sizeof message);
        return error_set(error, ERROR_INVALID, "no regular expression: %s at offset %zu",
                         (const char *)message, offset);
    }
    Pattern *pattern = ALLOC_NEW(Pattern);
    pattern->text = text;
    pattern->code = code;
    *pattern_out = pattern;
    return true;
}

void pattern_destroy(Pattern *pattern)
{
    if (pattern != NULL) {
        pcre2_code_free(pattern->code);
        alloc_free(pattern);
    }
}

size_t pattern_size(const Pattern *pattern)
{
    size_t size = 0;
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_SIZE, &size);
    return size;
}

static int try_match(const Pattern *pattern, Text subject, PatternMatcher *matcher, uint32_t limit)
{
    pcre2_set_match_limit(matcher->context, limit);
    return pcre2_match(pattern->code, (PCRE2_SPTR)subject.bytes, subject.length, 0, 0,
                       matcher->data, matcher->context);
}

static bool is_limit(int result)
{
    return result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT ||
           result == PCRE2_ERROR_HEAPLIMIT;
}

static void matcher_prepare(PatternMatcher *matcher)
{
    if (matcher->context == NULL) {
        matcher->context = pcre2_match_context_create(NULL);
        matcher->data = pcre2_match_data_create(1, NULL);
        pcre2_set_heap_limit(matcher->context, HEAP_KIB_MAX);
        pcre2_set_depth_limit(matcher->context, SCHEMA_MATCH_STEPS_MAX);
    }
}

PatternResult
pattern_search(const Pattern *pattern, Text subject, PatternMatcher *matcher, long *steps_left)
{
    matcher_prepare(matcher);
    /* Finding a place to start costs time without a step of PCRE2's. */
    *steps_left -= 1 + (long)(subject.length / MATCH_STEPS_PER_STEP);
    int result = try_match(pattern, subject, matcher, FIRST_TRY_STEPS);
    if (is_limit(result) && *steps_left > 0) {
        *steps_left -= SCHEMA_MATCH_STEPS_MAX / MATCH_STEPS_PER_STEP;
        result = try_match(pattern, subject, matcher, SCHEMA_MATCH_STEPS_MAX);
    }
    if (result >= 0) {
        return PATTERN_MATCHES;
    }
    return result == PCRE2_ERROR_NOMATCH ? PATTERN_DIFFERS : PATTERN_TOO_COSTLY;
}

void pattern_matcher_clear(PatternMatcher *matcher)
{
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    *matcher = (PatternMatcher){0};
}
