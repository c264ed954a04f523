/* SPDX-License-Identifier: Apache-2.0 */
/* Files between a worker and its Slurm job: what one writes the other reads, and nothing else. */
#include "unit_test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "sandbox/slurm_files.h"

#define ATTEMPT "01a21366-7e5f-7cdd-8ac2-58b98046d89e"

static int setup(void **state)
{
    char *folder = alloc_string("/tmp/slideway-unit-XXXXXX");
    assert_non_null(mkdtemp(folder));
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    Error error = {0};
    assert_true(folder_remove(*state, &error));
    alloc_free(*state);
    return 0;
}

static void put(const char *folder, const char *name, const char *content)
{
    Error error = {0};
    AUTO_FREE char *path = alloc_format("%s/%s", folder, name);
    assert_true(file_write(path, text_of(content), 0600, &error));
}

static void the_job_reads_the_task_as_it_was_written(void **state)
{
    const char *folder = *state;
    static const char *const COMMAND[] = {"./run", "a \"word\"", "$HOME; 'x'", NULL};
    const ExecutorTask written = {
        .attempt_id = ATTEMPT,
        .folder = folder,
        .sandbox = {.application_folder = "/apps/it's one",
                    .scratch_folder = "/scratch/work",
                    .command = COMMAND,
                    .limits = {.memory_bytes = 1LL << 40,
                               .time_seconds = 604800,
                               .processes = 64,
                               .output_bytes = 10},
                    .uid = 2000000003},
    };
    Error error = {0};
    assert_true(slurm_task_write(&written, 120, &error));
    AUTO_SLURM_TASK task = {.root = NULL};
    assert_true(slurm_task_read(folder, &task, &error));
    assert_string_equal(task.attempt_id, ATTEMPT);
    assert_string_equal(task.application_folder, "/apps/it's one");
    assert_string_equal(task.scratch_folder, "/scratch/work");
    assert_string_equal(task.command[1], "a \"word\"");
    assert_string_equal(task.command[2], "$HOME; 'x'");
    assert_null(task.command[3]);
    assert_int_equal(task.limits.memory_bytes, 1LL << 40);
    assert_int_equal(task.limits.time_seconds, 604800);
    assert_int_equal(task.limits.processes, 64);
    assert_int_equal(task.limits.output_bytes, 10);
    assert_int_equal(task.uid, 2000000003);
    assert_int_equal(task.silence_seconds, 120);
}

static void a_broken_task_is_refused(void **state)
{
    static const char *const BAD[] = {
        "",
        "[]",
        "{\"attempt_id\":\"a\"}",
        "{\"attempt_id\":\"a\",\"application_folder\":\"/a\",\"scratch_folder\":\"/s\","
        "\"command\":[],\"memory_bytes\":1,\"time_seconds\":1,\"processes\":1,\"output_bytes\":1,"
        "\"uid\":1,\"silence_seconds\":1}",
        "{\"attempt_id\":\"a\",\"application_folder\":\"/a\",\"scratch_folder\":\"/s\","
        "\"command\":[7],\"memory_bytes\":1,\"time_seconds\":1,\"processes\":1,\"output_bytes\":1,"
        "\"uid\":1,\"silence_seconds\":1}",
        "{\"attempt_id\":\"a\",\"application_folder\":\"/a\",\"scratch_folder\":\"/s\","
        "\"command\":[\"x\"],\"memory_bytes\":1,\"time_seconds\":1,\"processes\":1,"
        "\"output_bytes\":1,\"uid\":-1,\"silence_seconds\":1}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        Error error = {0};
        AUTO_SLURM_TASK task = {.root = NULL};
        put(*state, "task.json", BAD[i]);
        assert_false(slurm_task_read(*state, &task, &error));
        assert_non_null(strstr(error.message, "task.json"));
    }
}

static void the_worker_reads_the_outcome_of_its_own_attempt_only(void **state)
{
    const char *folder = *state;
    SandboxOutcome written = {.kind = SANDBOX_SIGNALLED,
                              .signal = 11,
                              .peak_memory_bytes = 3LL << 32,
                              .duration_us = 1234567};
    snprintf(written.log_tail, sizeof written.log_tail, "ein \"Wort\"\nnoch eins: ä");
    SandboxOutcome outcome = {.kind = SANDBOX_EXITED};
    Error error = {0};
    assert_int_equal(slurm_outcome_read(folder, ATTEMPT, &outcome, &error), SLURM_OUTCOME_ABSENT);
    assert_true(slurm_outcome_write(folder, ATTEMPT, &written, NULL, &error));
    assert_int_equal(slurm_outcome_read(folder, ATTEMPT, &outcome, &error), SLURM_OUTCOME_KNOWN);
    assert_int_equal(outcome.kind, SANDBOX_SIGNALLED);
    assert_int_equal(outcome.signal, 11);
    assert_int_equal(outcome.peak_memory_bytes, 3LL << 32);
    assert_int_equal(outcome.duration_us, 1234567);
    assert_string_equal(outcome.log_tail, written.log_tail);
    assert_int_equal(slurm_outcome_read(folder, "another", &outcome, &error), SLURM_OUTCOME_FAILED);
    assert_non_null(strstr(error.message, "another attempt"));
}

static void a_failure_is_told_whatever_bytes_it_has(void **state)
{
    SandboxOutcome outcome;
    Error error = {0};
    Error failure = {0};
    error_set(&failure, ERROR_UNAVAILABLE, "node n1: cut in \xC3");
    assert_true(slurm_outcome_write(*state, ATTEMPT, NULL, &failure, &error));
    assert_int_equal(slurm_outcome_read(*state, ATTEMPT, &outcome, &error), SLURM_OUTCOME_FAILED);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_string_equal(error.message, "node n1: cut in ?");
}

#define OUTCOME(kind, more)                                                                        \
    "{\"attempt_id\":\"" ATTEMPT "\",\"kind\":\"" kind "\",\"exit_code\":0,\"signal\":0,"          \
    "\"peak_memory_bytes\":0,\"duration_us\":0" more "}"

static void what_is_no_outcome_fails(void **state)
{
    static const char *const BAD[] = {
        "{", "null", OUTCOME("finished", ",\"log_tail\":\"\""), OUTCOME("exited", ""),
        /* A job never says so: an item would wait for ever for the worker that asked for it. */
        OUTCOME("cancelled", ",\"log_tail\":\"\"")};
    SandboxOutcome outcome;
    Error error = {0};
    put(*state, "outcome.json", OUTCOME("exited", ",\"log_tail\":\"\""));
    assert_int_equal(slurm_outcome_read(*state, ATTEMPT, &outcome, &error), SLURM_OUTCOME_KNOWN);
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        put(*state, "outcome.json", BAD[i]);
        assert_int_equal(slurm_outcome_read(*state, ATTEMPT, &outcome, &error),
                         SLURM_OUTCOME_FAILED);
    }
}

static void signs_of_life_move_and_go(void **state)
{
    const char *folder = *state;
    struct timespec first;
    struct timespec second;
    Error error = {0};
    assert_false(slurm_sign_read(folder, SLURM_ALIVE, &first));
    assert_false(slurm_sign_touch(folder, SLURM_ALIVE, &error));
    put(folder, SLURM_ALIVE, "");
    assert_true(slurm_sign_read(folder, SLURM_ALIVE, &first));
    clock_sleep_us(&SYSTEM_CLOCK, 20000);
    assert_true(slurm_sign_read(folder, SLURM_ALIVE, &second));
    assert_false(slurm_sign_moved(&first, &second));
    assert_true(slurm_sign_touch(folder, SLURM_ALIVE, &error));
    assert_true(slurm_sign_read(folder, SLURM_ALIVE, &second));
    assert_true(slurm_sign_moved(&first, &second));
    slurm_alive_remove(folder);
    assert_false(slurm_sign_read(folder, SLURM_ALIVE, &second));
}

static void only_the_first_job_of_an_attempt_starts(void **state)
{
    assert_true(slurm_started_claim(*state));
    assert_false(slurm_started_claim(*state));
}

static void the_newest_progress_is_read(void **state)
{
    double fraction = 0;
    char stage[32];
    Error error = {0};
    assert_false(slurm_progress_read(*state, &fraction, stage, sizeof stage));
    assert_true(slurm_progress_write(*state, 0.25, TEXT("reading"), &error));
    assert_true(slurm_progress_write(*state, 0.5, TEXT("\xFF"), &error));
    assert_true(slurm_progress_read(*state, &fraction, stage, sizeof stage));
    assert_true(fraction == 0.5);
    assert_string_equal(stage, "?");
}

static void the_last_line_of_the_log_is_read(void **state)
{
    static const struct {
        const char *log;
        const char *line;
    } CASES[] = {
        {"", ""},
        {"one", "one"},
        {"one\ntwo\xC3\n\n", "two?"},
        {"a very long line of which the end is shown", "line of which the end is shown"},
    };
    char line[31];
    slurm_log_read(*state, line, sizeof line);
    assert_string_equal(line, "");
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        put(*state, "job.log", CASES[i].log);
        slurm_log_read(*state, line, sizeof line);
        assert_string_equal(line, CASES[i].line);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_job_reads_the_task_as_it_was_written),
        CASE(a_broken_task_is_refused),
        CASE(the_worker_reads_the_outcome_of_its_own_attempt_only),
        CASE(a_failure_is_told_whatever_bytes_it_has),
        CASE(what_is_no_outcome_fails),
        CASE(signs_of_life_move_and_go),
        CASE(only_the_first_job_of_an_attempt_starts),
        CASE(the_newest_progress_is_read),
        CASE(the_last_line_of_the_log_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
