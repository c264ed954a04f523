/* SPDX-License-Identifier: Apache-2.0 */
/* Children of up and what is left of an earlier life; see process.h. */
#include "up/process.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/spawn.h"
#include "up/launch.h"
#include "json/reader.h"

enum { RECORD_BYTES_MAX = 16384, STAT_BYTES_MAX = 4096, START_TIME_FIELD = 22 };

static int prepare_files(const ProcessPlan *plan, posix_spawn_file_actions_t *actions)
{
    enum { APPEND = O_WRONLY | O_CREAT | O_APPEND };
    int failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    failed |=
        posix_spawn_file_actions_addopen(actions, STDERR_FILENO, plan->log_path, APPEND, 0600);
    failed |= plan->output_fd >= 0
                  ? posix_spawn_file_actions_adddup2(actions, plan->output_fd, STDOUT_FILENO)
                  : posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
    return failed;
}

static int spawn(const ProcessPlan *plan, char *const *arguments, pid_t *pid_out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failed = prepare_files(plan, &actions);
    failed = failed != 0 ? failed : spawn_attributes_set(&attributes);
    failed = failed != 0 ? failed
                         : posix_spawn(pid_out, "/proc/self/exe", &actions, &attributes, arguments,
                                       (char *const *)plan->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

bool process_start(const ProcessPlan *plan, pid_t *pid_out, Error *error)
{
    LaunchOrder order = {plan->program, plan->arguments, plan->uid, plan->gid, plan->death_signal};
    AUTO_FREE char **arguments = launch_arguments(&order);
    int failed = spawn(plan, arguments, pid_out);
    launch_arguments_clear(arguments);
    if (failed != 0) {
        return error_set(error, ERROR_UNAVAILABLE, "cannot start %s: %s", plan->program,
                         strerror(failed)); /* NOLINT(concurrency-mt-unsafe) */
    }
    return true;
}

bool process_wait(pid_t pid, int64_t limit_us, int *status_out)
{
    AUTO_FD fd = pidfd_open(pid, 0);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int limit_ms = (int)(limit_us / MICROSECONDS_PER_MILLISECOND);
    if (fd < 0 || poll(&wait, 1, limit_ms) == 1) {
        return waitpid(pid, status_out, 0) == pid;
    }
    return false;
}

void process_describe(int status, char *out, size_t out_bytes)
{
    if (WIFSIGNALED(status)) {
        snprintf(out, out_bytes, "signal %d", WTERMSIG(status));
    } else {
        snprintf(out, out_bytes, "exit code %d", WEXITSTATUS(status));
    }
}

/* Field 22 of /proc/PID/stat, in clock ticks since the boot; 0 when there is no such process.
 * The second field is a name in parentheses that may itself hold both, so count from its end. */
static int64_t start_time_of(pid_t pid)
{
    AUTO_FREE char *path = alloc_format("/proc/%d/stat", (int)pid);
    AUTO_FREE char *stat = NULL;
    Error ignored = {0};
    if (!file_read(path, STAT_BYTES_MAX, &stat, NULL, &ignored)) {
        return 0;
    }
    const char *name_end = strrchr(stat, ')');
    Text rest = text_of(name_end == NULL ? "" : name_end + 1);
    rest = text_trim(rest);
    Text field = {0};
    for (int number = 3; number <= START_TIME_FIELD; number++) {
        field = text_split(&rest, ' ');
        if (number == 3 && text_is(field, "Z")) {
            return 0;
        }
    }
    int64_t value = 0;
    return parse_int64(field, 0, INT64_MAX, &value) ? value : 0;
}

bool process_is_alive(pid_t pid)
{
    return start_time_of(pid) != 0;
}

static void read_boot_id(char out[64])
{
    AUTO_FREE char *content = NULL;
    Error ignored = {0};
    out[0] = '\0';
    if (file_read("/proc/sys/kernel/random/boot_id", STAT_BYTES_MAX, &content, NULL, &ignored)) {
        snprintf(out, 64, "%.36s", content);
    }
}

/* The program of a process; one that was replaced on disk since is the same one. */
static bool runs_program(const char *link, const char *program)
{
    char target[PATH_MAX];
    ssize_t length = readlink(link, target, sizeof(target) - 1);
    if (length < 0) {
        return false;
    }
    Text text = {target, (size_t)length};
    if (text_ends_with(text, " (deleted)")) {
        text.length -= strlen(" (deleted)");
    }
    return text_is(text, program);
}

bool process_record(const char *path, pid_t pid, const char *program, Error *error)
{
    char boot_id[64];
    read_boot_id(boot_id);
    char *real = realpath(program, NULL);
    AUTO_JSON *record = json_pack("{s:i, s:I, s:s, s:s}", "pid", (int)pid, "start_time",
                                  (json_int_t)start_time_of(pid), "boot_id", boot_id, "program",
                                  real != NULL ? real : program);
    alloc_free(real);
    AUTO_FREE char *text = document_to_string(record);
    return file_write(path, text_of(text), 0600, error);
}

pid_t process_recorded(const char *path)
{
    AUTO_JSON *record = NULL;
    Error ignored = {0};
    if (!document_read(path, RECORD_BYTES_MAX, &record, &ignored)) {
        return 0;
    }
    pid_t pid = (pid_t)json_integer_value(json_object_get(record, "pid"));
    int64_t start_time = json_integer_value(json_object_get(record, "start_time"));
    const char *program = document_string(record, "program");
    const char *boot_id = document_string(record, "boot_id");
    char boot_now[64];
    read_boot_id(boot_now);
    if (pid <= 1 || start_time == 0 || program == NULL || boot_id == NULL ||
        strcmp(boot_id, boot_now) != 0 || start_time_of(pid) != start_time) {
        return 0;
    }
    AUTO_FREE char *link = alloc_format("/proc/%d/exe", (int)pid);
    /* Between its start and its exec a child still is this program. */
    char self[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length < 0 ? 0 : length] = '\0';
    return runs_program(link, program) || runs_program(link, self) ? pid : 0;
}

static bool wait_until_gone(const char *path, int seconds)
{
    AUTO_FD fd = pidfd_open(process_recorded(path), 0);
    if (fd < 0) {
        return process_recorded(path) == 0;
    }
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, seconds * 1000) == 1;
}

bool process_end_recorded(const char *path, const EndingStep *steps, size_t step_count)
{
    for (size_t i = 0; i < step_count; i++) {
        pid_t pid = process_recorded(path);
        if (pid == 0) {
            unlink(path);
            return true;
        }
        kill(pid, steps[i].signal);
        wait_until_gone(path, steps[i].seconds);
    }
    bool ended = process_recorded(path) == 0;
    if (ended) {
        unlink(path);
    }
    return ended;
}
