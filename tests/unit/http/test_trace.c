/* SPDX-License-Identifier: Apache-2.0 */
/* Request ids and traces, with values that callers should not send. */
#include "unit_test.h"

#include <stdio.h>

#include "http/trace.h"

#define KNOWN_TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define KNOWN_PARENT "00f067aa0ba902b7"

static void fill_counting(const Clock *clock, void *bytes, size_t length)
{
    (void)clock;
    for (size_t i = 0; i < length; i++) {
        ((unsigned char *)bytes)[i] = (unsigned char)i;
    }
}

static const Clock CLOCK = {.random_bytes = fill_counting};

static Trace trace_of(const char *request_id, const char *traceparent)
{
    static RandomStock stock;
    Trace trace;
    trace_begin(&trace, text_of(request_id), text_of(traceparent), &CLOCK, &stock);
    return trace;
}

static void sane_request_ids_are_kept(void **state)
{
    (void)state;
    static const char *const SANE[] = {"a", "A-b_c.d~1:2+3=/@",
                                       "01900000-0000-7000-8000-000000000000"};
    for (size_t i = 0; i < sizeof SANE / sizeof SANE[0]; i++) {
        assert_string_equal(trace_of(SANE[i], NULL).request_id, SANE[i]);
    }
    char longest[REQUEST_ID_CHARACTERS_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[REQUEST_ID_CHARACTERS_MAX] = '\0';
    assert_string_equal(trace_of(longest, NULL).request_id, longest);
}

static void other_request_ids_are_replaced(void **state)
{
    (void)state;
    char too_long[REQUEST_ID_CHARACTERS_MAX + 2];
    memset(too_long, 'x', sizeof too_long);
    too_long[sizeof too_long - 1] = '\0';
    const char *const bad[] = {NULL, "",     "a b",  "a\r\nSet-Cookie: x", "a\"b",
                               "{}", "\x01", "\xc3", "<script>",           too_long};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Trace trace = trace_of(bad[i], NULL);
        assert_string_equal(trace.request_id, trace.trace_id);
        assert_int_equal(strlen(trace.request_id), TRACE_ID_CHARACTERS);
    }
}

static void trace_is_kept_and_parent_is_new(void **state)
{
    (void)state;
    Trace trace = trace_of("x", "00-" KNOWN_TRACE "-" KNOWN_PARENT "-01");
    assert_string_equal(trace.trace_id, KNOWN_TRACE);
    assert_int_equal(strlen(trace.traceparent), TRACEPARENT_CHARACTERS);
    assert_memory_equal(trace.traceparent, "00-" KNOWN_TRACE "-", 36);
    assert_string_equal(trace.traceparent + 52, "-01");
    assert_memory_not_equal(trace.traceparent + 36, KNOWN_PARENT, 16);
}

static void later_versions_and_flags_are_understood(void **state)
{
    (void)state;
    Trace later = trace_of(NULL, "cc-" KNOWN_TRACE "-" KNOWN_PARENT "-03-what-comes");
    assert_string_equal(later.trace_id, KNOWN_TRACE);
    assert_memory_equal(later.traceparent, "00-", 3);
    assert_string_equal(later.traceparent + 52, "-01");
    assert_string_equal(trace_of(NULL, "00-" KNOWN_TRACE "-" KNOWN_PARENT "-fe").traceparent + 52,
                        "-00");
}

static void broken_traces_are_replaced(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        NULL,
        "",
        "00",
        "ff-" KNOWN_TRACE "-" KNOWN_PARENT "-01",
        "00-" KNOWN_TRACE "-" KNOWN_PARENT "-01-more",
        "01-" KNOWN_TRACE "-" KNOWN_PARENT "-01.more",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" KNOWN_PARENT "-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-" KNOWN_PARENT "-01",
        "00-00000000000000000000000000000000-" KNOWN_PARENT "-01",
        "00-" KNOWN_TRACE "-0000000000000000-01",
        "00-" KNOWN_TRACE "-" KNOWN_PARENT "-0x",
        "00_" KNOWN_TRACE "-" KNOWN_PARENT "-01",
        "00-" KNOWN_TRACE "_" KNOWN_PARENT "-01",
        "00-" KNOWN_TRACE "-" KNOWN_PARENT "_01",
        "00-" KNOWN_TRACE "-" KNOWN_PARENT "-0\r",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        Trace trace = trace_of(NULL, BAD[i]);
        assert_string_not_equal(trace.trace_id, KNOWN_TRACE);
        assert_int_equal(strlen(trace.trace_id), TRACE_ID_CHARACTERS);
        assert_string_equal(trace.traceparent + 52, "-00");
    }
}

static void two_requests_have_different_ids(void **state)
{
    (void)state;
    Trace first = trace_of(NULL, NULL);
    assert_string_not_equal(first.trace_id, trace_of(NULL, NULL).trace_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sane_request_ids_are_kept),
        cmocka_unit_test(other_request_ids_are_replaced),
        cmocka_unit_test(trace_is_kept_and_parent_is_new),
        cmocka_unit_test(later_versions_and_flags_are_understood),
        cmocka_unit_test(broken_traces_are_replaced),
        cmocka_unit_test(two_requests_have_different_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
