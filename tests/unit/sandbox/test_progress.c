/* SPDX-License-Identifier: Apache-2.0 */
/* Progress lines: which are taken, which are log, and that pieces may be cut anywhere. */
#include "unit_test.h"

#include <stdio.h>

#include "base/text.h"
#include "sandbox/progress.h"

typedef struct Seen {
    Progress progress;
    LogTail log;
    bool taken;
    double fraction;
    char stage[PROGRESS_LINE_BYTES_MAX + 1];
    char text[LOG_TAIL_BYTES_MAX + 1];
} Seen;

/* Appends the text in pieces of that size. */
static void feed(Seen *seen, const char *string, size_t piece)
{
    *seen = (Seen){.taken = false};
    Text rest = text_of(string);
    while (rest.length > 0) {
        Text part = {rest.bytes, rest.length < piece ? rest.length : piece};
        progress_append(&seen->progress, part, &seen->log);
        rest = text_from(rest, part.length);
    }
    progress_finish(&seen->progress, &seen->log);
    Text stage = {NULL, 0};
    seen->taken = progress_take(&seen->progress, &seen->fraction, &stage);
    snprintf(seen->stage, sizeof seen->stage, "%.*s", TEXT_ARGUMENTS(stage));
    log_tail_read(&seen->log, seen->text);
}

static void good_lines_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        double fraction;
        const char *stage;
    } CASES[] = {
        {"progress 0 start\n", 0, "start"},
        {"progress 0.5 reading the tiles\n", 0.5, "reading the tiles"},
        {"progress 1 done\n", 1, "done"},
        {"progress 0.25\n", 0.25, ""},
        {"progress 0.25", 0.25, ""},
        {"progress   0.75   wide   \r\n", 0.75, "wide"},
        {"progress 1e-1 größer\n", 0.1, "größer"},
    };
    Seen seen;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        for (size_t piece = 1; piece < 40; piece += 6) {
            feed(&seen, CASES[i].line, piece);
            assert_true(seen.taken);
            assert_true(seen.fraction == CASES[i].fraction);
            assert_string_equal(seen.stage, CASES[i].stage);
            assert_string_equal(seen.text, "");
        }
    }
}

static void other_lines_are_log(void **state)
{
    (void)state;
    static const char *const LINES[] = {
        "hello\n",           "progress\n",
        "progress \n",       "progress x\n",
        "progress 1.01 x\n", "progress -0.1 x\n",
        "progress nan x\n",  "progress inf x\n",
        "Progress 0.5 x\n",  " progress 0.5\n",
        "progress0.5 x\n",   "progress 0x1p-1 x\n",
        "no line break",     "\n\n\n",
    };
    Seen seen;
    for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
        feed(&seen, LINES[i], 3);
        assert_false(seen.taken);
        assert_string_equal(seen.text, LINES[i]);
    }
}

static void newest_of_many_lines_is_told_once(void **state)
{
    (void)state;
    Seen seen;
    feed(&seen, "progress 0.1 a\nlog\nprogress 0.2 b\nprogress 2 c\n", 1000);
    assert_true(seen.taken);
    assert_true(seen.fraction == 0.2);
    assert_string_equal(seen.stage, "b");
    assert_string_equal(seen.text, "log\nprogress 2 c\n");
    double fraction = 0;
    Text stage;
    assert_false(progress_take(&seen.progress, &fraction, &stage));
}

static void stage_that_is_no_utf8_is_log(void **state)
{
    (void)state;
    Seen seen;
    feed(&seen, "progress 0.5 \xFF\xFE\n", 100);
    assert_false(seen.taken);
    assert_string_equal(seen.text, "progress 0.5 ??\n");
}

static void long_line_is_log_up_to_its_end(void **state)
{
    (void)state;
    enum { LONG = 2 * PROGRESS_LINE_BYTES_MAX };
    static char line[LONG + 32];
    memset(line, 'x', LONG);
    memcpy(line, "progress 0.5 ", 13);
    snprintf(line + LONG, 32, "\nprogress 0.75 next\n");
    Seen seen;
    for (size_t piece = 1; piece < 600; piece += 97) {
        feed(&seen, line, piece);
        assert_true(seen.taken);
        assert_true(seen.fraction == 0.75);
        assert_int_equal(strlen(seen.text), LONG + 1);
        assert_memory_equal(seen.text, line, LONG + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines_are_taken),
        cmocka_unit_test(other_lines_are_log),
        cmocka_unit_test(newest_of_many_lines_is_told_once),
        cmocka_unit_test(stage_that_is_no_utf8_is_log),
        cmocka_unit_test(long_line_is_log_up_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
