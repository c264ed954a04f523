/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command and watches over it; see sandbox.h. The namespaces are the launcher's work. */
#include "sandbox/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/spawn.h"
#include "sandbox/log_tail.h"
#include "sandbox/plan.h"
#include "sandbox/process_tree.h"
#include "sandbox/progress.h"
#include "sandbox/scratch.h"
#include "json/reader.h"

enum {
    TICK_FIRST_US = 5 * 1000, /* doubled up to … */
    TICK_MAX_US = 50 * 1000,
    COUNT_TICK_US = 200 * 1000, /* of slow counts; ten times the CPU time that one takes, up to … */
    COUNT_TICK_MAX_US = 2 * 1000 * 1000,
    COUNT_PAUSE_FACTOR = 10,
    PROCESSES_ALONE = 3, /* bubblewrap's two, and one of the application */
    GROWTH_PART = 16,    /* so much more memory is counted at once */
    READ_BYTES = 65536,
    REPORT_BYTES_MAX = 8192,
    REASON_CHARACTERS_MAX = 300,
    /* Shells and bubblewrap tell a death by signal N as exit code 128 + N. */
    EXIT_SIGNAL_FIRST = 129,
    EXIT_SIGNAL_LAST = 192,
};

typedef struct Watch {
    const SandboxOptions *options;
    pid_t launcher;
    int launcher_fd; /* a pidfd */
    int output_fd;   /* -1 after the end of the stream */
    int log_fd;
    int report_fd;
    Progress progress;
    LogTail log;
    Buffer report;
    int64_t started_us;
    int64_t tick_us;
    int64_t disk_due_us;
    int proc_fd; /* the sandbox's own /proc; -1: not there yet */
    dev_t device;
    bool stopped; /* by us, for the reason in `end` */
    SandboxEnd end;
    int64_t peak_memory_bytes;
    int64_t
        exact_bytes; /* the last exact count of memory, the sum it was taken for, and the next */
    int64_t exact_resident_bytes;
    int64_t exact_due_us;
} Watch;

static void watch_clear(Watch *watch)
{
    cleanup_fd(&watch->launcher_fd);
    cleanup_fd(&watch->output_fd);
    cleanup_fd(&watch->log_fd);
    cleanup_fd(&watch->report_fd);
    cleanup_fd(&watch->proc_fd);
    buffer_clear(&watch->report);
}
#define AUTO_WATCH CLEANUP(watch_clear) Watch

static int64_t now_us(const Watch *watch)
{
    return clock_monotonic_us(watch->options->clock);
}

/* The ends that the launcher gets. */
typedef struct ChildEnds {
    int output_fd;
    int log_fd;
    int report_fd;
} ChildEnds;

static void ends_clear(ChildEnds *ends)
{
    cleanup_fd(&ends->output_fd);
    cleanup_fd(&ends->log_fd);
    cleanup_fd(&ends->report_fd);
}
#define AUTO_ENDS CLEANUP(ends_clear) ChildEnds

static int prepare_files(const ChildEnds *ends, posix_spawn_file_actions_t *actions)
{
    int failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    failed |= posix_spawn_file_actions_adddup2(actions, ends->output_fd, STDOUT_FILENO);
    failed |= posix_spawn_file_actions_adddup2(actions, ends->log_fd, STDERR_FILENO);
    failed |= posix_spawn_file_actions_adddup2(actions, ends->report_fd, SANDBOX_REPORT_FD);
    return failed;
}

static int spawn_launcher(const ChildEnds *ends, char *const *arguments, pid_t *pid_out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *const environment[] = {NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failed = prepare_files(ends, &actions);
    failed |= spawn_attributes_set(&attributes);
    failed = failed != 0 ? EINVAL
                         : posix_spawn(pid_out, "/proc/self/exe", &actions, &attributes, arguments,
                                       environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static void wait_for_launcher(const Watch *watch)
{
    while (waitpid(watch->launcher, NULL, 0) < 0 && errno == EINTR) {
    }
}

static bool start(Watch *watch, Error *error)
{
    const SandboxOptions *options = watch->options;
    const SandboxPlan plan = {.application_folder = options->application_folder,
                              .scratch_folder = options->scratch_folder,
                              .limits = options->limits,
                              .uid = options->uid,
                              .parent = getpid(),
                              .command = options->command};
    AUTO_ENDS ends = {-1, -1, -1};
    if (!spawn_pipe(&watch->output_fd, &ends.output_fd, error) ||
        !spawn_pipe(&watch->log_fd, &ends.log_fd, error) ||
        !spawn_pipe(&watch->report_fd, &ends.report_fd, error)) {
        return false;
    }
    char **arguments = sandbox_plan_to_arguments(&plan);
    int failed = spawn_launcher(&ends, arguments, &watch->launcher);
    sandbox_arguments_free(arguments);
    if (failed != 0) {
        return error_set(error, ERROR_UNAVAILABLE, "cannot start the launcher: %s",
                         strerror(failed)); /* NOLINT(concurrency-mt-unsafe) */
    }
    watch->launcher_fd = pidfd_open(watch->launcher, 0);
    if (watch->launcher_fd < 0) {
        error_set(error, ERROR_UNAVAILABLE, "cannot watch the launcher: %m");
        kill(watch->launcher, SIGTERM);
        wait_for_launcher(watch);
        return false;
    }
    return true;
}

/* Asks the launcher to kill everything; its end says that it is done. */
static void stop(Watch *watch, SandboxEnd reason)
{
    if (!watch->stopped) {
        watch->stopped = true;
        watch->end = reason;
        kill(watch->launcher, SIGTERM);
    }
}

/* Reads what is there, at most one piece, so that a flood does not keep the watch from its other
 * duties. */
static Text read_piece(int *fd, char *bytes)
{
    ssize_t got = *fd < 0 ? -1 : read(*fd, bytes, READ_BYTES);
    bool at_end = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    if (*fd >= 0 && at_end) {
        close(*fd);
        *fd = -1;
    }
    return (Text){bytes, got > 0 ? (size_t)got : 0};
}

/* False: nothing was there. */
static bool read_streams(Watch *watch)
{
    char bytes[READ_BYTES];
    Text output = read_piece(&watch->output_fd, bytes);
    progress_append(&watch->progress, output, &watch->log);
    Text log = read_piece(&watch->log_fd, bytes);
    log_tail_append(&watch->log, log);
    Text report = read_piece(&watch->report_fd, bytes);
    buffer_text(&watch->report, report);
    return output.length + log.length + report.length > 0;
}

static void tell_progress(Watch *watch)
{
    double fraction = 0;
    Text stage = {NULL, 0};
    if (progress_take(&watch->progress, &fraction, &stage) && watch->options->progress != NULL) {
        watch->options->progress(watch->options->progress_context, fraction, stage);
    }
}

/* A number from the lines that the launcher and bubblewrap report; -1: nobody told it. */
static int64_t reported(const Watch *watch, const char *name)
{
    Text rest = buffer_view(&watch->report);
    while (rest.length > 0) {
        AUTO_JSON *line = NULL;
        Error ignored = {0};
        if (document_parse(text_split(&rest, '\n'), &line, &ignored) &&
            json_is_integer(json_object_get(line, name))) {
            return json_integer_value(json_object_get(line, name));
        }
    }
    return -1;
}

/* When a slow count is due again that began at this CPU time. On a busy machine it may have waited
 * far longer than it worked: an application could use the pause for that to go over its limits. */
static int64_t next_count_us(const Watch *watch, int64_t began_cpu_us)
{
    int64_t pause_us = (thread_cpu_us() - began_cpu_us) * COUNT_PAUSE_FACTOR;
    pause_us = pause_us < COUNT_TICK_US ? COUNT_TICK_US : pause_us;
    return now_us(watch) + (pause_us > COUNT_TICK_MAX_US ? COUNT_TICK_MAX_US : pause_us);
}

/* The sum counts shared memory for each process: where that could matter, the exact count is
 * taken, but not all the time. */
static int64_t memory_bytes(Watch *watch, const TreeUsage *usage)
{
    int64_t resident = usage->resident_bytes;
    if (usage->processes <= PROCESSES_ALONE || resident <= watch->peak_memory_bytes) {
        return resident;
    }
    int64_t growth = resident - watch->exact_resident_bytes;
    if (growth > resident / GROWTH_PART || now_us(watch) >= watch->exact_due_us) {
        int64_t began_cpu_us = thread_cpu_us();
        watch->exact_bytes = process_tree_exact_bytes(watch->proc_fd);
        watch->exact_resident_bytes = resident;
        watch->exact_due_us = next_count_us(watch, began_cpu_us);
    }
    return watch->exact_bytes;
}

static void watch_memory(Watch *watch)
{
    if (watch->proc_fd < 0) {
        int64_t init = reported(watch, "init-pid");
        watch->proc_fd = init > 0 ? process_tree_open((pid_t)init) : -1;
    }
    if (watch->proc_fd < 0) {
        return;
    }
    TreeUsage usage = process_tree_measure(watch->proc_fd);
    int64_t bytes = memory_bytes(watch, &usage);
    int64_t peak = bytes > usage.peak_resident_bytes ? bytes : usage.peak_resident_bytes;
    watch->peak_memory_bytes = peak > watch->peak_memory_bytes ? peak : watch->peak_memory_bytes;
    if (bytes > watch->options->limits.memory_bytes) {
        stop(watch, SANDBOX_OUT_OF_MEMORY);
    }
}

static bool output_is_too_large(const Watch *watch)
{
    int64_t bytes_max = watch->options->limits.output_bytes;
    int64_t bytes = scratch_measure(watch->options->scratch_folder);
    if (bytes <= bytes_max && watch->proc_fd >= 0) {
        bytes += process_tree_unnamed_bytes(watch->proc_fd, watch->device);
    }
    return bytes > bytes_max;
}

static void watch_disk(Watch *watch)
{
    if (now_us(watch) < watch->disk_due_us) {
        return;
    }
    int64_t began_cpu_us = thread_cpu_us();
    if (output_is_too_large(watch)) {
        stop(watch, SANDBOX_OUTPUT_TOO_LARGE);
    }
    watch->disk_due_us = next_count_us(watch, began_cpu_us);
}

static void watch_limits(Watch *watch)
{
    const SandboxOptions *options = watch->options;
    if (options->cancel != NULL && atomic_load(options->cancel)) {
        stop(watch, SANDBOX_CANCELLED);
    }
    if (now_us(watch) - watch->started_us >
        options->limits.time_seconds * MICROSECONDS_PER_SECOND) {
        stop(watch, SANDBOX_TIMED_OUT);
    }
    if (!watch->stopped) {
        watch_memory(watch);
    }
    if (!watch->stopped) {
        watch_disk(watch);
    }
}

/* Waits for output or the next tick; true: the launcher ended. */
static bool wait_for_event(const Watch *watch, int64_t wait_us)
{
    struct pollfd events[] = {
        {.fd = watch->launcher_fd, .events = POLLIN},
        {.fd = watch->output_fd, .events = POLLIN},
        {.fd = watch->log_fd, .events = POLLIN},
        {.fd = watch->report_fd, .events = POLLIN},
    };
    int wait_ms = wait_us <= 0 ? 0 : (int)(wait_us / MICROSECONDS_PER_MILLISECOND) + 1;
    poll(events, ARRAY_COUNT(events), wait_ms);
    return events[0].revents != 0;
}

static void watch_until_end(Watch *watch)
{
    int64_t tick_due_us = now_us(watch);
    bool ended = false;
    while (!ended) {
        if (now_us(watch) >= tick_due_us) {
            watch_limits(watch);
            tell_progress(watch);
            tick_due_us = now_us(watch) + watch->tick_us;
            watch->tick_us = watch->tick_us * 2 < TICK_MAX_US ? watch->tick_us * 2 : TICK_MAX_US;
        }
        ended = wait_for_event(watch, tick_due_us - now_us(watch));
        read_streams(watch);
    }
    wait_for_launcher(watch);
    while (read_streams(watch)) {
    }
    progress_finish(&watch->progress, &watch->log);
    tell_progress(watch);
}

/* How it ended when we did not end it. */
static void read_exit(Watch *watch, int64_t code, SandboxOutcome *outcome)
{
    bool signalled = code >= EXIT_SIGNAL_FIRST && code <= EXIT_SIGNAL_LAST;
    outcome->kind = signalled ? SANDBOX_SIGNALLED : SANDBOX_EXITED;
    outcome->exit_code = signalled ? 0 : (int)code;
    outcome->signal = signalled ? (int)code - (EXIT_SIGNAL_FIRST - 1) : 0;
    if (outcome->signal == SIGXFSZ || output_is_too_large(watch)) {
        outcome->kind = SANDBOX_OUTPUT_TOO_LARGE;
    }
}

bool sandbox_run(const SandboxOptions *options, SandboxOutcome *outcome_out, Error *error)
{
    AUTO_WATCH watch = {.options = options,
                        .launcher_fd = -1,
                        .output_fd = -1,
                        .log_fd = -1,
                        .report_fd = -1,
                        .proc_fd = -1,
                        .started_us = clock_monotonic_us(options->clock),
                        .tick_us = TICK_FIRST_US};
    buffer_init(&watch.report, REPORT_BYTES_MAX);
    struct stat status;
    if (!scratch_prepare(options->scratch_folder, options->uid, error)) {
        return false;
    }
    if (stat(options->scratch_folder, &status) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot look at the scratch folder: %m");
    }
    watch.device = status.st_dev;
    if (!start(&watch, error)) {
        return false;
    }
    watch_until_end(&watch);
    SandboxOutcome outcome = {.kind = watch.end,
                              .peak_memory_bytes = watch.peak_memory_bytes,
                              .duration_us = now_us(&watch) - watch.started_us};
    log_tail_read(&watch.log, outcome.log_tail);
    int64_t code = reported(&watch, "exit-code");
    if (!watch.stopped && code < 0) {
        return error_set(error, ERROR_UNAVAILABLE, "the sandbox did not start the command: %.*s",
                         REASON_CHARACTERS_MAX, outcome.log_tail);
    }
    if (!watch.stopped) {
        read_exit(&watch, code, &outcome);
    }
    *outcome_out = outcome;
    return true;
}

const char *sandbox_end_name(SandboxEnd end)
{
    static const char *const NAMES[] = {
        [SANDBOX_EXITED] = "exited",
        [SANDBOX_SIGNALLED] = "signalled",
        [SANDBOX_TIMED_OUT] = "timed out",
        [SANDBOX_OUT_OF_MEMORY] = "out of memory",
        [SANDBOX_OUTPUT_TOO_LARGE] = "output too large",
        [SANDBOX_CANCELLED] = "cancelled",
    };
    static_assert(ARRAY_COUNT(NAMES) == SANDBOX_END_COUNT, "each end has a name");
    return end < SANDBOX_END_COUNT ? NAMES[end] : "unknown";
}
