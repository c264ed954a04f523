/* SPDX-License-Identifier: Apache-2.0 */
/* The tail of a log: what is kept, and that it is valid UTF-8 whatever the application wrote. */
#include "unit_test.h"

#include "base/limits.h"
#include "sandbox/log_tail.h"

static char kept[LOG_TAIL_BYTES_MAX + 1];

static const char *tail_of(Text text)
{
    static LogTail tail;
    tail = (LogTail){.length = 0};
    log_tail_append(&tail, text);
    log_tail_read(&tail, kept);
    return kept;
}

static void short_log_is_kept_whole(void **state)
{
    (void)state;
    assert_string_equal(tail_of(TEXT("one\ntwo\n")), "one\ntwo\n");
    assert_string_equal(tail_of(TEXT("")), "");
}

static void parts_are_joined(void **state)
{
    (void)state;
    LogTail tail = {.length = 0};
    log_tail_append(&tail, TEXT("gr\xC3"));
    log_tail_append(&tail, TEXT("\xBC\xC3\x9F"));
    log_tail_append(&tail, TEXT("e"));
    log_tail_read(&tail, kept);
    assert_string_equal(kept, "grüße");
}

static void only_the_end_of_a_long_log_is_kept(void **state)
{
    (void)state;
    LogTail tail = {.length = 0};
    for (int i = 0; i < 1000; i++) {
        log_tail_append(&tail, TEXT("0123456789"));
    }
    log_tail_append(&tail, TEXT("the end"));
    log_tail_read(&tail, kept);
    assert_int_equal(strlen(kept), LOG_TAIL_BYTES_MAX);
    assert_string_equal(kept + LOG_TAIL_BYTES_MAX - 17, "0123456789the end");
}

static void one_piece_longer_than_the_tail_keeps_its_end(void **state)
{
    (void)state;
    static char piece[3 * LOG_TAIL_BYTES_MAX];
    memset(piece, 'a', sizeof piece);
    memcpy(piece + sizeof piece - 3, "xyz", 3);
    tail_of((Text){piece, sizeof piece});
    assert_int_equal(strlen(kept), LOG_TAIL_BYTES_MAX);
    assert_string_equal(kept + LOG_TAIL_BYTES_MAX - 5, "aaxyz");
}

static void broken_bytes_become_question_marks(void **state)
{
    (void)state;
    static const struct {
        Text written;
        const char *expected;
    } CASES[] = {
        {{"a\0b", 3}, "a?b"},           {{"\xFF\xFEz", 3}, "??z"},
        {{"a\xC3", 2}, "a?"},                                              /* cut at the end */
        {{"\x80 start", 7}, "? start"},                                    /* a lone continuation */
        {{"\xC0\xAF", 2}, "??"},                                           /* overlong */
        {{"\xED\xA0\x80", 3}, "???"},                                      /* a surrogate */
        {{"\xF0\x9F\x94\xAC", 4}, "🔬"},                                    /* four bytes are fine */
        {{"\xF0\x9F\x94", 3}, "???"},   {{"\xF4\x90\x80\x80", 4}, "????"}, /* beyond U+10FFFF */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_string_equal(tail_of(CASES[i].written), CASES[i].expected);
        assert_true(text_is_utf8(text_of(kept)));
    }
}

static void character_cut_by_the_limit_is_left_out(void **state)
{
    (void)state;
    LogTail tail = {.length = 0};
    log_tail_append(&tail, TEXT("\xF0\x9F\x94\xAC"));
    for (int i = 0; i < LOG_TAIL_BYTES_MAX - 2; i++) {
        log_tail_append(&tail, TEXT("b"));
    }
    log_tail_read(&tail, kept);
    assert_int_equal(strlen(kept), LOG_TAIL_BYTES_MAX - 2);
    assert_int_equal(kept[0], 'b');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_log_is_kept_whole),
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(only_the_end_of_a_long_log_is_kept),
        cmocka_unit_test(one_piece_longer_than_the_tail_keeps_its_end),
        cmocka_unit_test(broken_bytes_become_question_marks),
        cmocka_unit_test(character_cut_by_the_limit_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
