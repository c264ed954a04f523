/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: sandbox_run ends real commands as sandbox.h says, and nothing of them is left. Method:
 * small shell scripts as applications, in folders that only the caller's user may enter. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "unit_test.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "sandbox/sandbox.h"

enum { SANDBOX_UID = 2000001000, MEMORY_BYTES = 256 << 20, OUTPUT_BYTES = 8 << 20 };

typedef struct Place {
    char root[64];
    char *application;
    char *scratch;
} Place;

static void write_file(const char *folder, const char *name, const char *content, mode_t mode)
{
    AUTO_FREE char *path = alloc_format("%s/%s", folder, name);
    Error error = {0};
    assert_true(file_write(path, text_of(content), mode, &error));
}

/* A root that only its owner may enter, with an application of one shell script inside. */
static void place_make(Place *place, const char *script)
{
    Error error = {0};
    snprintf(place->root, sizeof place->root, "/tmp/slideway-sandbox-XXXXXX");
    assert_non_null(mkdtemp(place->root));
    assert_int_equal(chmod(place->root, 0700), 0);
    place->application = alloc_format("%s/application", place->root);
    place->scratch = alloc_format("%s/scratch", place->root);
    AUTO_FREE char *input = alloc_format("%s/input", place->scratch);
    assert_true(folder_create(place->application, 0755, &error));
    assert_true(folder_create(input, 0755, &error));
    assert_int_equal(chmod(place->application, 0755), 0);
    write_file(input, "0.txt", "the input\n", 0644);
    write_file(place->scratch, "input.json", "{}", 0644);
    AUTO_FREE char *program = alloc_format("#!/bin/sh\n%s\n", script);
    write_file(place->application, "run", program, 0755);
}

static void place_clear(Place *place)
{
    Error error = {0};
    assert_true(folder_remove(place->root, &error));
    alloc_free(place->application);
    alloc_free(place->scratch);
}

static const char *const RUN[] = {"./run", NULL};

static SandboxOptions options_of(const Place *place)
{
    return (SandboxOptions){
        .application_folder = place->application,
        .scratch_folder = place->scratch,
        .command = RUN,
        .limits = {.memory_bytes = MEMORY_BYTES,
                   .time_seconds = 60,
                   .processes = 16,
                   .output_bytes = OUTPUT_BYTES},
        .uid = geteuid() == 0 ? SANDBOX_UID : 0,
        .clock = &SYSTEM_CLOCK,
    };
}

static SandboxOutcome run_with(const SandboxOptions *options)
{
    SandboxOutcome outcome = {.kind = SANDBOX_END_COUNT};
    Error error = {0};
    if (!sandbox_run(options, &outcome, &error)) {
        fail_msg("%s", error.message);
    }
    return outcome;
}

/* Runs the script under the usual limits, by this clock. */
static SandboxOutcome run_script_at(const Clock *clock, const char *script)
{
    Place place;
    place_make(&place, script);
    SandboxOptions options = options_of(&place);
    options.clock = clock;
    SandboxOutcome outcome = run_with(&options);
    place_clear(&place);
    return outcome;
}

static SandboxOutcome run_script(const char *script)
{
    return run_script_at(&SYSTEM_CLOCK, script);
}

static void exit_code_and_log_are_kept(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script("echo out; echo err >&2; exit 7");
    assert_int_equal(outcome.kind, SANDBOX_EXITED);
    assert_int_equal(outcome.exit_code, 7);
    assert_non_null(strstr(outcome.log_tail, "out\n"));
    assert_non_null(strstr(outcome.log_tail, "err\n"));
    assert_true(outcome.duration_us > 0);
}

static void death_by_a_signal_is_told(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script("kill -SEGV $$");
    assert_int_equal(outcome.kind, SANDBOX_SIGNALLED);
    assert_int_equal(outcome.signal, SIGSEGV);
}

static void application_sees_its_folders_and_environment(void **state)
{
    (void)state;
    SandboxOutcome outcome =
        run_script("cat /work/input/0.txt $SLIDEWAY_INPUT; pwd; echo $HOME $TMPDIR $PATH $LANG;"
                   "touch $SLIDEWAY_OUTPUT/x $TMPDIR/y /tmp/z && ls / | grep -v '^lib[x36]'; env | "
                   "cut -d= -f1 | grep "
                   "-v ASAN | sort");
    assert_int_equal(outcome.exit_code, 0);
    assert_string_equal(outcome.log_tail,
                        "the input\n{}/work\n/work /work/tmp /usr/bin:/bin C.UTF-8\n"
                        "application\nbin\ndev\netc\nlib\nproc\nsbin\ntmp\n"
                        "usr\nwork\nHOME\nLANG\nLOGNAME\nPATH\nPWD\n"
                        "SLIDEWAY_INPUT\nSLIDEWAY_OUTPUT\nTMPDIR\nUSER\n");
}

static void application_that_only_its_owner_may_read_can_run(void **state)
{
    (void)state;
    Place place;
    place_make(&place, "cat /application/model && ! echo x 2> /dev/null >> /application/model");
    write_file(place.application, "model", "the model\n", 0600);
    AUTO_FREE char *program = alloc_format("%s/run", place.application);
    assert_int_equal(chmod(program, 0700), 0);
    assert_int_equal(chmod(place.application, 0700), 0);
    SandboxOptions options = options_of(&place);
    SandboxOutcome outcome;
    Error error = {0};
    assert_true(sandbox_run(&options, &outcome, &error));
    assert_string_equal(outcome.log_tail, "the model\n");
    assert_int_equal(outcome.exit_code, 0);
    struct stat status;
    assert_int_equal(stat(program, &status), 0);
    assert_int_equal(status.st_uid, geteuid());
    place_clear(&place);
}

/* Each of them must fail; the script tells those that did not. */
static void application_can_change_nothing_but_its_output(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script(
        "try() { if \"$@\" 2>/dev/null; then echo \"possible: $*\"; fi; }\n"
        "for f in /x /application/x /work/input/x /usr/x /etc/x /dev/x /proc/x; do\n"
        "  try touch $f\n"
        "done\n"
        "try sh -c 'echo x > /work/input/0.txt'\n"
        "try sh -c 'echo x > /work/input.json'\n"
        "try sh -c 'echo x > /application/run'\n"
        "try mv /work/input /work/other\n"
        "try rm -f /work/input/0.txt\n"
        "try chmod 777 /work/input/0.txt\n"
        "try mount -t tmpfs none /work/tmp\n"
        "try umount /work/input\n"
        "try unshare -U true\n"
        "try unshare -r -m true\n"
        "try chroot / true\n"
        "try cat /etc/passwd\n"
        "try cat /etc/shadow\n"
        "try mknod /work/null c 1 3\n"
        "try kill -0 -1\n"
        "try dmesg\n"
        "try hostname other\n"
        "try sh -c 'echo 0 > /proc/sys/kernel/panic'\n"
        "try setpriv --reuid 0 true\n"
        "try sudo -n true\n"
        "for f in /home /root /var /run /sys /mnt /opt /srv /boot /oldroot; do try ls $f; done\n");
    assert_int_equal(outcome.kind, SANDBOX_EXITED);
    assert_string_equal(outcome.log_tail, "");
}

static void no_descriptor_is_inherited(void **state)
{
    (void)state;
    /* The fourth is the folder itself, which ls reads. */
    SandboxOutcome outcome = run_script("exec ls /proc/self/fd");
    assert_string_equal(outcome.log_tail, "0\n1\n2\n3\n");
}

static void no_capability_is_left(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
    assert_string_equal(outcome.log_tail,
                        "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
                        "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
                        "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
}

static void long_run_is_timed_out(void **state)
{
    (void)state;
    Place place;
    place_make(&place, "trap '' TERM; echo started; sleep 60");
    SandboxOptions options = options_of(&place);
    options.limits.time_seconds = 3; /* from before the sandbox is made */
    SandboxOutcome outcome;
    Error error = {0};
    assert_true(sandbox_run(&options, &outcome, &error));
    assert_int_equal(outcome.kind, SANDBOX_TIMED_OUT);
    assert_string_equal(outcome.log_tail, "started\n");
    assert_in_range(outcome.duration_us, 3000000, 30000000);
    place_clear(&place);
}

/* Twenty processes of 20 MB each are beyond 256 MB together, not alone. */
static void memory_of_all_processes_is_limited(void **state)
{
    (void)state;
    SandboxOutcome outcome =
        run_script("for i in 1 2 3 4 5 6 7 8 9 10; do\n"
                   "  python3 -c 'import time; x = bytearray(50 << 20); time.sleep(30)' &\n"
                   "done; wait");
    assert_int_equal(outcome.kind, SANDBOX_OUT_OF_MEMORY);
    assert_true(outcome.peak_memory_bytes > MEMORY_BYTES);
    assert_true(outcome.peak_memory_bytes < 4L * MEMORY_BYTES);
}

static void shared_memory_is_counted_once(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script("exec python3 -c '\n"
                                        "import os, time\n"
                                        "x = bytearray(100 << 20)\n"
                                        "children = [os.fork() for _ in range(1)]\n"
                                        "if 0 in children: time.sleep(1); os._exit(0)\n"
                                        "more = [os.fork()]\n"
                                        "if 0 in more: time.sleep(1); os._exit(0)\n"
                                        "time.sleep(1)\n"
                                        "'");
    assert_int_equal(outcome.kind, SANDBOX_EXITED);
    assert_int_equal(outcome.exit_code, 0);
    assert_in_range(outcome.peak_memory_bytes, 100 << 20, 200 << 20);
}

#ifndef __SANITIZE_ADDRESS__ /* whose programs reserve more than that by themselves */
static void ten_gigabytes_at_once_are_refused(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script("exec python3 -c 'bytearray(10 << 30)'");
    assert_int_equal(outcome.kind, SANDBOX_EXITED);
    assert_non_null(strstr(outcome.log_tail, "MemoryError"));
}
#endif

enum { RUNS_AT_ONCE = 20, RUNS_EACH = 12 };

typedef struct Runner {
    Place place;
    pthread_t thread;
    int unwatched; /* runs of which nobody counted the memory */
} Runner;

static void *run_some(void *context)
{
    Runner *runner = context;
    SandboxOptions options = options_of(&runner->place);
    for (int i = 0; i < RUNS_EACH; i++) {
        SandboxOutcome outcome = run_with(&options);
        runner->unwatched += outcome.peak_memory_bytes == 0 ? 1 : 0;
    }
    return NULL;
}

/* What the launcher and bubblewrap report at the same time must not be mixed up: the watch would
 * not find the processes. All scripts are written before the first run: a child that is just being
 * started holds what its parent had open, and nothing that is open for writing can be executed. */
static void every_run_is_watched(void **state)
{
    (void)state;
    Runner runners[RUNS_AT_ONCE] = {0};
    for (int i = 0; i < RUNS_AT_ONCE; i++) {
        place_make(&runners[i].place, "sleep 0.8");
    }
    for (int i = 0; i < RUNS_AT_ONCE; i++) {
        assert_int_equal(pthread_create(&runners[i].thread, NULL, run_some, &runners[i]), 0);
    }
    for (int i = 0; i < RUNS_AT_ONCE; i++) {
        assert_int_equal(pthread_join(runners[i].thread, NULL), 0);
    }
    for (int i = 0; i < RUNS_AT_ONCE; i++) {
        assert_int_equal(runners[i].unwatched, 0);
        place_clear(&runners[i].place);
    }
}

static void fork_bomb_stays_small(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script("exec python3 -c '\n"
                                        "import os, time\n"
                                        "count = 0\n"
                                        "try:\n"
                                        "    while True:\n"
                                        "        if os.fork() == 0: time.sleep(60)\n"
                                        "        count += 1\n"
                                        "except OSError: print(count)\n"
                                        "'");
    assert_int_equal(outcome.kind, SANDBOX_EXITED);
    int64_t count = strtol(outcome.log_tail, NULL, 10);
    assert_in_range(count, 12, 17);
}

static void output_in_one_file_is_limited(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script("exec dd if=/dev/zero of=/work/output/x bs=1M count=64");
    assert_int_equal(outcome.kind, SANDBOX_OUTPUT_TOO_LARGE);
}

static void output_in_many_files_is_limited(void **state)
{
    (void)state;
    SandboxOutcome outcome =
        run_script("for i in 1 2 3 4 5 6 7 8 9; do head -c 4000000 /dev/zero > /tmp/$i; done");
    assert_int_equal(outcome.kind, SANDBOX_OUTPUT_TOO_LARGE);
}

static void files_without_a_name_are_output_too(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script("for i in 3 4 5 6; do\n"
                                        "  eval \"exec $i> /work/output/x\"; rm /work/output/x\n"
                                        "  eval \"head -c 4000000 /dev/zero >&$i\"\n"
                                        "done; sleep 10");
    assert_int_equal(outcome.kind, SANDBOX_OUTPUT_TOO_LARGE);
}

static void mapped_files_without_a_name_are_output_too(void **state)
{
    (void)state;
    SandboxOutcome outcome = run_script("exec python3 -c '\n"
                                        "import mmap, os, time\n"
                                        "held = []\n"
                                        "for i in range(4):\n"
                                        "    with open(\"/work/output/x\", \"w+b\") as file:\n"
                                        "        file.truncate(4000000)\n"
                                        "        held.append(mmap.mmap(file.fileno(), 4000000))\n"
                                        "    os.unlink(\"/work/output/x\")\n"
                                        "    held[-1].write(b\"x\" * 4000000)\n"
                                        "time.sleep(10)\n"
                                        "'");
    assert_int_equal(outcome.kind, SANDBOX_OUTPUT_TOO_LARGE);
}

static void *cancel_soon(void *flag)
{
    clock_sleep_us(&SYSTEM_CLOCK, 300000);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

static int looks_before_stall;

static int64_t stalling_us(const Clock *clock)
{
    (void)clock;
    looks_before_stall--;
    return clock_monotonic_us(&SYSTEM_CLOCK) +
           (looks_before_stall < 0 ? MICROSECONDS_PER_SECOND : 0);
}

/* A second passes between two looks at the clock, one of them in a count of the output. */
static void machine_that_stalls_gives_no_time_for_too_much_output(void **state)
{
    (void)state;
    const Clock clock = {.monotonic_us = stalling_us};
    for (int looks = 1; looks <= 12; looks++) {
        looks_before_stall = looks;
        SandboxOutcome outcome = run_script_at(&clock, "exec 3> /work/output/x; rm /work/output/x\n"
                                                       "head -c 16000000 /dev/zero >&3; sleep 4");
        assert_int_equal(outcome.kind, SANDBOX_OUTPUT_TOO_LARGE);
    }
}

static void cancelled_run_ends_at_once(void **state)
{
    (void)state;
    Place place;
    place_make(&place, "sleep 60");
    atomic_bool cancel = false;
    SandboxOptions options = options_of(&place);
    options.cancel = &cancel;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    SandboxOutcome outcome;
    Error error = {0};
    assert_true(sandbox_run(&options, &outcome, &error));
    pthread_join(thread, NULL);
    assert_int_equal(outcome.kind, SANDBOX_CANCELLED);
    assert_true(outcome.duration_us < 30000000);
    place_clear(&place);
}

typedef struct Seen {
    const Place *place;
    Buffer stages;
} Seen;

/* Lets the application go on: of two lines that come together only the last is told. */
static void keep_stage(void *context, double fraction, Text stage)
{
    Seen *seen = context;
    buffer_format(&seen->stages, "%.2f %.*s|", fraction, TEXT_ARGUMENTS(stage));
    write_file(seen->place->scratch, "output/seen", "", 0644);
}

static void progress_is_told_and_not_logged(void **state)
{
    (void)state;
    Place place;
    place_make(&place, "echo progress 0.25 reading tiles\n"
                       "until [ -e /work/output/seen ]; do sleep 0.01; done\n"
                       "echo done; echo progress 1 the end");
    Seen seen = {.place = &place};
    buffer_init(&seen.stages, 4096);
    SandboxOptions options = options_of(&place);
    options.progress = keep_stage;
    options.progress_context = &seen;
    SandboxOutcome outcome;
    Error error = {0};
    assert_true(sandbox_run(&options, &outcome, &error));
    assert_string_equal(buffer_to_string(&seen.stages), "0.25 reading tiles|1.00 the end|");
    assert_string_equal(outcome.log_tail, "done\n");
    buffer_clear(&seen.stages);
    place_clear(&place);
}

static off_t size_of(const char *folder, const char *name)
{
    AUTO_FREE char *path = alloc_format("%s/%s", folder, name);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void daemon_does_not_outlive_its_run(void **state)
{
    (void)state;
    Place place;
    place_make(&place, "setsid sh -c 'while echo x >> /work/output/beats; do sleep 0.01; done' "
                       "> /dev/null 2>&1 &\n"
                       "until [ -s /work/output/beats ]; do sleep 0.01; done");
    SandboxOptions options = options_of(&place);
    SandboxOutcome outcome;
    Error error = {0};
    assert_true(sandbox_run(&options, &outcome, &error));
    assert_int_equal(outcome.kind, SANDBOX_EXITED);
    off_t size = size_of(place.scratch, "output/beats");
    clock_sleep_us(&SYSTEM_CLOCK, 200000);
    assert_int_equal(size_of(place.scratch, "output/beats"), size);
    place_clear(&place);
}

static void missing_program_is_no_run(void **state)
{
    (void)state;
    Place place;
    place_make(&place, "true");
    static const char *const MISSING[] = {"./not-there", NULL};
    SandboxOptions options = options_of(&place);
    options.command = MISSING;
    SandboxOutcome outcome;
    Error error = {0};
    assert_false(sandbox_run(&options, &outcome, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "not-there"));
    place_clear(&place);
}

static void missing_folder_is_no_run(void **state)
{
    (void)state;
    Place place;
    place_make(&place, "true");
    SandboxOptions options = options_of(&place);
    options.application_folder = "/not/there";
    SandboxOutcome outcome;
    Error error = {0};
    assert_false(sandbox_run(&options, &outcome, &error));
    assert_non_null(strstr(error.message, "application's folder"));
    place_clear(&place);
}

int main(int argc, char **argv)
{
    if (sandbox_is_launcher(argc, argv)) {
        return sandbox_launcher_main(argc, argv);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_code_and_log_are_kept),
        cmocka_unit_test(death_by_a_signal_is_told),
        cmocka_unit_test(application_sees_its_folders_and_environment),
        cmocka_unit_test(application_that_only_its_owner_may_read_can_run),
        cmocka_unit_test(application_can_change_nothing_but_its_output),
        cmocka_unit_test(no_descriptor_is_inherited),
        cmocka_unit_test(no_capability_is_left),
        cmocka_unit_test(long_run_is_timed_out),
        cmocka_unit_test(memory_of_all_processes_is_limited),
        cmocka_unit_test(shared_memory_is_counted_once),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(ten_gigabytes_at_once_are_refused),
#endif
        cmocka_unit_test(every_run_is_watched),
        cmocka_unit_test(fork_bomb_stays_small),
        cmocka_unit_test(output_in_one_file_is_limited),
        cmocka_unit_test(output_in_many_files_is_limited),
        cmocka_unit_test(files_without_a_name_are_output_too),
        cmocka_unit_test(mapped_files_without_a_name_are_output_too),
        cmocka_unit_test(machine_that_stalls_gives_no_time_for_too_much_output),
        cmocka_unit_test(cancelled_run_ends_at_once),
        cmocka_unit_test(progress_is_told_and_not_logged),
        cmocka_unit_test(daemon_does_not_outlive_its_run),
        cmocka_unit_test(missing_program_is_no_run),
        cmocka_unit_test(missing_folder_is_no_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
