/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a killed life leaves behind must not keep PostgreSQL from starting. Goal: a lock file counts
 * only while a living PostgreSQL has its pid, and a failed start tells the reason. Method: a folder
 * of lock files that name this program, a child that nobody waited for, and no process at all.
 */
#include "up/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "unit_test.h"
#include "up/child.h"

/* A pid above the kernel's largest. */
#define NO_PROCESS 4194305

typedef struct Place {
    char folder[32];
    Layout layout;
    char *lock;
    char *socket_lock;
} Place;

static int make_place(void **state)
{
    Place *place = ALLOC_NEW(Place);
    snprintf(place->folder, sizeof(place->folder), "/tmp/slideway-unit-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    place->layout.cluster = place->folder;
    place->layout.socket = place->folder;
    place->lock = alloc_format("%s/postmaster.pid", place->folder);
    place->socket_lock = alloc_format("%s/.s.PGSQL.5432.lock", place->folder);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    Place *place = *state;
    Error error = {0};
    assert_true(folder_remove(place->folder, &error));
    alloc_free(place->lock);
    alloc_free(place->socket_lock);
    alloc_free(place);
    return 0;
}

static void write_text(const char *path, const char *text)
{
    Error error = {0};
    assert_true(file_write(path, text_of(text), 0600, &error));
}

static void expect_text(const char *path, const char *expected)
{
    AUTO_FREE char *content = NULL;
    Error error = {0};
    assert_true(file_read(path, 4096, &content, NULL, &error));
    assert_string_equal(content, expected);
}

/* Both locks with this pid are made our own, or stay as they are. */
static void check_locks(const Place *place, int pid, const char *programs, int expected_pid)
{
    AUTO_FREE char *before = alloc_format("%d\n/data\n1234\n5432\n", pid);
    AUTO_FREE char *after = alloc_format("%d\n/data\n1234\n5432\n", expected_pid);
    write_text(place->lock, before);
    write_text(place->socket_lock, before);
    postgres_forget_stale_locks(&place->layout, programs);
    expect_text(place->lock, after);
    expect_text(place->socket_lock, after);
}

static void a_lock_of_no_process_is_forgotten(void **state)
{
    check_locks(*state, NO_PROCESS, "/nowhere", getpid());
}

static void a_lock_of_a_process_that_nobody_waited_for_is_forgotten(void **state)
{
    pid_t child = fork(); /* tidy: allow this program has one thread */
    if (child == 0) {
        _exit(0);
    }
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    check_locks(*state, child, "/nowhere", getpid());
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_lock_of_another_program_is_forgotten(void **state)
{
    const Place *place = *state;
    AUTO_FREE char *program = alloc_format("%s/postgres", place->folder);
    write_text(program, "not this program");
    check_locks(place, getppid(), place->folder, getpid());
}

static void a_lock_of_a_living_postgresql_counts(void **state)
{
    const Place *place = *state;
    AUTO_FREE char *program = alloc_format("%s/postgres", place->folder);
    AUTO_FREE char *parent = alloc_format("/proc/%d/exe", (int)getppid());
    assert_int_equal(symlink(parent, program), 0);
    check_locks(place, getppid(), place->folder, getppid());
}

static void a_lock_that_is_none_stays(void **state)
{
    const Place *place = *state;
    write_text(place->lock, "");
    write_text(place->socket_lock, "who\nknows\n");
    postgres_forget_stale_locks(&place->layout, "/nowhere");
    expect_text(place->lock, "");
    expect_text(place->socket_lock, "who\nknows\n");
}

static const struct {
    const char *log;
    const char *words;
} LOGS[] = {
    {"", ""},
    {"one\ntwo\n\n", "two"},
    {"LOG:  starting\nFATAL:  the reason\nDETAIL:  more\nHINT:  help\n", "FATAL:  the reason"},
    {"FATAL:  of an old start\nHINT:  help\nFATAL:  of this one\nHINT:  help\n",
     "FATAL:  of this one"},
};

static void last_words_are_the_reason(void **state)
{
    const Place *place = *state;
    Child child = {.log_path = place->lock};
    for (size_t i = 0; i < ARRAY_COUNT(LOGS); i++) {
        char words[64];
        write_text(place->lock, LOGS[i].log);
        child_last_words(&child, words, sizeof(words));
        assert_string_equal(words, LOGS[i].words);
    }
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_lock_of_no_process_is_forgotten),
        CASE(a_lock_of_a_process_that_nobody_waited_for_is_forgotten),
        CASE(a_lock_of_another_program_is_forgotten),
        CASE(a_lock_of_a_living_postgresql_counts),
        CASE(a_lock_that_is_none_stays),
        CASE(last_words_are_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
