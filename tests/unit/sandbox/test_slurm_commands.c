/* SPDX-License-Identifier: Apache-2.0 */
/* What Slurm's commands are asked, played by a script that writes its arguments down, and what is
 * read from their answers. */
#include "unit_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "sandbox/slurm_commands.h"

#define ATTEMPT "01a21366-7e5f-7cdd-8ac2-58b98046d89e"
#define NAME "slideway-" ATTEMPT

typedef struct Fixture {
    char folder[64];
    SlurmCommands commands;
} Fixture;

static void write_script(const Fixture *fixture, const char *name, const char *script)
{
    Error error = {0};
    AUTO_FREE char *path = alloc_format("%s/%s", fixture->folder, name);
    AUTO_FREE char *content = alloc_format("#!/bin/sh\n%s\n", script);
    assert_true(file_write(path, text_of(content), 0700, &error));
}

static int setup(void **state)
{
    Fixture *fixture = ALLOC_NEW(Fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/slideway-unit-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->commands = (SlurmCommands){.clock = &SYSTEM_CLOCK,
                                        .folder = fixture->folder,
                                        .configuration = "/etc/a b.conf",
                                        .partition = "",
                                        .account = "",
                                        .more_options = "",
                                        .job_program = "/opt/slideway-slurm-job",
                                        .uid = 17};
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    assert_true(folder_remove(fixture->folder, &error));
    alloc_free(fixture);
    return 0;
}

/* The arguments of all calls so far, one a line. */
static char *said(const Fixture *fixture)
{
    Error error = {0};
    char *content = NULL;
    AUTO_FREE char *path = alloc_format("%s/said", fixture->folder);
    assert_true(file_read(path, 65536, &content, NULL, &error));
    return content;
}

#define WRITE_DOWN "printf '%s\\n' \"$@\" >> \"${0%/*}/said\""

static void sbatch_is_asked_for_what_the_task_needs(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    write_script(fixture, "sbatch", WRITE_DOWN);
    fixture->commands.partition = "a b;c";
    fixture->commands.account = "lab";
    fixture->commands.more_options = " --qos=x  --exclusive";
    const ExecutorTask task = {
        .attempt_id = ATTEMPT,
        .folder = "/scratch/50%/it's",
        .sandbox = {.limits = {.memory_bytes = 4LL << 30, .time_seconds = 3601}},
        .cpus = 4,
        .gpus = 2};
    assert_true(slurm_submit(&fixture->commands, &task, NULL, &error));
    AUTO_FREE char *arguments = said(fixture);
    assert_string_equal(arguments, "--parsable\n"
                                   "--job-name=" NAME "\n"
                                   "--chdir=/scratch/50%/it's\n"
                                   "--output=job.log\n"
                                   "--no-requeue\n"
                                   "--propagate=NONE\n"
                                   "--nodes=1\n"
                                   "--ntasks=1\n"
                                   "--cpus-per-task=4\n"
                                   "--mem=4352M\n"
                                   "--time=63\n"
                                   "--gres=gpu:2\n"
                                   "--partition=a b;c\n"
                                   "--account=lab\n"
                                   "--qos=x\n"
                                   "--exclusive\n"
                                   "/scratch/50%/it's/job.sh\n"
                                   "/opt/slideway-slurm-job\n"
                                   "/scratch/50%/it's\n");
}

static void commands_see_nothing_of_our_environment(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    AUTO_BUFFER listing;
    buffer_init(&listing, 1000);
    write_script(fixture, "squeue", "env");
    assert_int_equal(setenv("SLIDEWAY_DATABASE", "password=secret", 1), 0);
    assert_true(slurm_list(&fixture->commands, NULL, NULL, &listing, &error));
    assert_non_null(strstr(buffer_to_string(&listing), "SLURM_CONF=/etc/a b.conf\n"));
    assert_null(strstr(buffer_to_string(&listing), "secret"));
}

static void a_refusal_is_told_in_one_line(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    const ExecutorTask task = {.attempt_id = ATTEMPT, .folder = "/scratch"};
    write_script(fixture, "sbatch", "echo 'first' >&2; echo 'then \xC3' >&2; exit 1");
    assert_false(slurm_submit(&fixture->commands, &task, NULL, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "/sbatch: first then"));
    assert_null(strchr(error.message, '\n'));
    assert_true(text_is_utf8(text_of(error.message)));
}

static void a_command_that_is_missing_or_hangs_is_unavailable(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    atomic_bool cancel = true;
    AUTO_BUFFER listing;
    buffer_init(&listing, 1000);
    assert_false(slurm_list(&fixture->commands, NULL, NULL, &listing, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    write_script(fixture, "squeue", "sleep 60");
    int64_t started_us = clock_monotonic_us(&SYSTEM_CLOCK);
    assert_false(slurm_list(&fixture->commands, NULL, &cancel, &listing, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_true(clock_monotonic_us(&SYSTEM_CLOCK) - started_us < 30 * MICROSECONDS_PER_SECOND);
}

static void a_running_job_is_killed_and_a_waiting_one_taken_back(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    write_script(fixture, "scancel", WRITE_DOWN "; [ $# -eq 3 ]"); /* the first call fails */
    assert_true(slurm_cancel(&fixture->commands, NAME, &error));
    AUTO_FREE char *arguments = said(fixture);
    assert_string_equal(arguments, "--signal=KILL\n--full\n--quiet\n--user=17\n--name=" NAME "\n"
                                   "--quiet\n--user=17\n--name=" NAME "\n");
}

static void a_job_is_found_by_its_name_until_it_completes(void **state)
{
    (void)state;
    static const struct {
        const char *listing;
        const char *state; /* NULL: not found */
    } CASES[] = {
        {"", NULL},
        {"RUNNING|other|None|/a\n", NULL},
        {"RUNNING|" NAME "x|None|/a\n", NULL},
        {"RUNNING|" NAME "|None|/a\n", "RUNNING (None)"},
        {"RUNNING|a|b|c|d\nPENDING|" NAME "|Resources|/a|b\n", "PENDING (Resources)"},
        {"COMPLETING|" NAME "|None|/a\n", NULL},
        {"COMPLETING|" NAME "|None|/a\nPENDING|" NAME "|None|/a", "PENDING (None)"},
        {NAME, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        char found[SLURM_STATE_BYTES] = "";
        assert_int_equal(slurm_find(text_of(CASES[i].listing), NAME, found),
                         CASES[i].state != NULL);
        assert_string_equal(found, CASES[i].state == NULL ? "" : CASES[i].state);
    }
}

static void leftovers_are_our_jobs_below_our_folder(void **state)
{
    (void)state;
    Text listing = TEXT("RUNNING|slideway-1|None|/scratch/slot-0/1\n"
                        "RUNNING|slideway-2|None|/scratch2/slot-0/2\n"
                        "RUNNING|slideway-3|None|/scratch\n"
                        "RUNNING|interactive|None|/scratch/slot-0/4\n"
                        "PENDING|slideway-5|Resources|/scratch/a|b\n");
    char name[SLURM_NAME_BYTES];
    assert_true(slurm_next_leftover(&listing, "/scratch", name));
    assert_string_equal(name, "slideway-1");
    assert_true(slurm_next_leftover(&listing, "/scratch", name));
    assert_string_equal(name, "slideway-5");
    assert_false(slurm_next_leftover(&listing, "/scratch", name));
}

static void only_options_with_two_dashes_are_taken(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"", "  ", "--exclusive", "--qos=a --nice=7 "};
    static const char *const BAD[] = {"-p main", "--qos a", "--", "job.sh", "--qos=a;x y"};
    for (size_t i = 0; i < ARRAY_COUNT(GOOD); i++) {
        Error error = {0};
        assert_true(slurm_options_check(GOOD[i], &error));
    }
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        Error error = {0};
        assert_false(slurm_options_check(BAD[i], &error));
        assert_int_equal(error.code, ERROR_INVALID);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sbatch_is_asked_for_what_the_task_needs),
        CASE(commands_see_nothing_of_our_environment),
        CASE(a_refusal_is_told_in_one_line),
        CASE(a_command_that_is_missing_or_hangs_is_unavailable),
        CASE(a_running_job_is_killed_and_a_waiting_one_taken_back),
        cmocka_unit_test(a_job_is_found_by_its_name_until_it_completes),
        cmocka_unit_test(leftovers_are_our_jobs_below_our_folder),
        cmocka_unit_test(only_options_with_two_dashes_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
