/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the system; see command.h. */
#include "sandbox/command.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/spawn.h"
#include "base/text.h"
#include "sandbox/log_tail.h"

enum { TICK_MS = 50, READ_BYTES = 16384, REASON_BYTES_MAX = 300 };

typedef struct Run {
    const Command *command;
    pid_t pid;
    int pid_fd;
    int output_fd; /* -1 after the end of the stream */
    int errors_fd;
    LogTail errors;
    int64_t until_us;
} Run;

static void run_clear(Run *run)
{
    cleanup_fd(&run->pid_fd);
    cleanup_fd(&run->output_fd);
    cleanup_fd(&run->errors_fd);
}
#define AUTO_RUN CLEANUP(run_clear) Run

static bool spawn(Run *run, int output, int errors, Error *error)
{
    const Command *command = run->command;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    failed |= posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    failed |= posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    failed |= spawn_attributes_set(&attributes);
    failed = failed != 0 ? EINVAL
                         : posix_spawn(&run->pid, command->arguments[0], &actions, &attributes,
                                       (char *const *)command->arguments,
                                       (char *const *)command->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        errno = failed;
        return error_set(error, ERROR_UNAVAILABLE, "cannot start '%s': %m", command->arguments[0]);
    }
    return true;
}

static bool start(Run *run, Error *error)
{
    AUTO_FD output = -1;
    AUTO_FD errors = -1;
    if (!spawn_pipe(&run->output_fd, &output, error) ||
        !spawn_pipe(&run->errors_fd, &errors, error) || !spawn(run, output, errors, error)) {
        return false;
    }
    run->pid_fd = pidfd_open(run->pid, 0);
    if (run->pid_fd < 0) {
        error_set(error, ERROR_UNAVAILABLE, "cannot watch '%s': %m", run->command->arguments[0]);
        kill(-run->pid, SIGKILL);
        waitpid(run->pid, NULL, 0);
        return false;
    }
    return true;
}

/* Reads what is there; true when it was something. */
static bool read_piece(int *fd, char *bytes, Text *piece_out)
{
    ssize_t got = *fd < 0 ? 0 : read(*fd, bytes, READ_BYTES);
    *piece_out = (Text){bytes, got > 0 ? (size_t)got : 0};
    if (*fd >= 0 && (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))) {
        close(*fd);
        *fd = -1;
    }
    return got > 0;
}

static bool read_streams(Run *run, Buffer *output)
{
    char bytes[READ_BYTES];
    Text piece;
    bool some = read_piece(&run->output_fd, bytes, &piece);
    buffer_text(output, piece);
    some |= read_piece(&run->errors_fd, bytes, &piece);
    log_tail_append(&run->errors, piece);
    return some;
}

/* Reads until the program has ended; kills it when it must not go on, and says so by false. */
static bool watch(Run *run, Buffer *output)
{
    const Command *command = run->command;
    bool ended = false;
    while (!ended) {
        if (clock_monotonic_us(command->clock) >= run->until_us ||
            (command->cancel != NULL && atomic_load(command->cancel))) {
            kill(-run->pid, SIGKILL);
            return false;
        }
        struct pollfd events[] = {{.fd = run->pid_fd, .events = POLLIN},
                                  {.fd = run->output_fd, .events = POLLIN},
                                  {.fd = run->errors_fd, .events = POLLIN}};
        poll(events, ARRAY_COUNT(events), TICK_MS);
        ended = events[0].revents != 0;
        read_streams(run, output);
    }
    while (read_streams(run, output)) {
    }
    return true;
}

/* One line of what it complained about. */
static bool fail(const Run *run, Error *error)
{
    char said[LOG_TAIL_BYTES_MAX + 1];
    log_tail_read(&run->errors, said);
    Text reason = text_trim(text_of(said));
    for (char *c = said; *c != '\0'; c++) {
        *c = isprint((unsigned char)*c) ? *c : ' '; /* it will be cut, maybe inside a character */
    }
    return error_set(error, ERROR_UNAVAILABLE, "%s: %.*s", run->command->arguments[0],
                     reason.length < REASON_BYTES_MAX ? (int)reason.length : REASON_BYTES_MAX,
                     reason.length == 0 ? "it failed without a word" : reason.bytes);
}

bool command_run(const Command *command, Buffer *output, Error *error)
{
    AUTO_RUN run = {.command = command,
                    .pid_fd = -1,
                    .output_fd = -1,
                    .errors_fd = -1,
                    .until_us = clock_monotonic_us(command->clock) +
                                command->seconds_max * MICROSECONDS_PER_SECOND};
    if (!start(&run, error)) {
        return false;
    }
    bool ended = watch(&run, output);
    int status = 0;
    while (waitpid(run.pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!ended) {
        return error_set(error, ERROR_UNAVAILABLE, "%s: it was stopped, at the latest after %lld s",
                         command->arguments[0], (long long)command->seconds_max);
    }
    if (output->overflow) {
        return error_set(error, ERROR_UNAVAILABLE, "%s: its output is too long",
                         command->arguments[0]);
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || fail(&run, error);
}
