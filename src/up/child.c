/* SPDX-License-Identifier: Apache-2.0 */
/* Supervised children; see child.h. */
#include "up/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/text.h"

enum { PAUSE_SECONDS_MAX = 30, STEADY_SECONDS = 60, TAIL_BYTES = 2048 };
/* A log that is larger than this at a start moves aside, once. */
#define LOG_BYTES_MAX (16L * 1024 * 1024)

void child_clear(Child *child)
{
    alloc_free(child->program);
    alloc_free(child->log_path);
    alloc_free(child->record_path);
    for (size_t i = 0; i < CHILD_ARGUMENTS_MAX; i++) {
        alloc_free(child->arguments[i]);
    }
    for (char **entry = child->environment; entry != NULL && *entry != NULL; entry++) {
        alloc_free(*entry);
    }
    alloc_free(child->environment);
    *child = (Child){0};
}

static void move_large_log(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && status.st_size > LOG_BYTES_MAX) {
        AUTO_FREE char *older = alloc_format("%s.1", path);
        rename(path, older);
    }
}

bool child_start(Child *child, const Clock *clock, Error *error)
{
    move_large_log(child->log_path);
    ProcessPlan plan = {
        .program = child->program,
        .arguments = (const char *const *)child->arguments,
        .environment = (const char *const *)child->environment,
        .log_path = child->log_path,
        .output_fd = -1,
        .uid = child->uid,
        .gid = child->gid,
        .death_signal = child->steps[0].signal,
    };
    pid_t pid = 0;
    if (!process_start(&plan, &pid, error)) {
        return false;
    }
    child->pid = pid;
    child->restart_at_us = 0;
    child->started_at_us = clock_monotonic_us(clock);
    if (!process_record(child->record_path, pid, child->program, error)) {
        child_stop(child);
        return false;
    }
    return true;
}

int64_t child_pause_us(unsigned failures)
{
    unsigned doublings = failures > 6 ? 6 : failures;
    int64_t seconds = failures == 0 ? 0 : 1LL << (doublings - 1);
    return (seconds > PAUSE_SECONDS_MAX ? PAUSE_SECONDS_MAX : seconds) * MICROSECONDS_PER_SECOND;
}

void child_died(Child *child, const Clock *clock, int status, char *reason_out, size_t bytes)
{
    int64_t now_us = clock_monotonic_us(clock);
    bool was_steady = now_us - child->started_at_us > STEADY_SECONDS * MICROSECONDS_PER_SECOND;
    process_describe(status, reason_out, bytes);
    child->pid = 0;
    /* The first death is mended at once. */
    child->restart_at_us = now_us + (was_steady ? 0 : child_pause_us(child->failures));
    child->failures = was_steady ? 1 : child->failures + 1;
    unlink(child->record_path);
}

void child_stop(Child *child)
{
    int status = 0;
    bool ended = child->pid == 0;
    for (size_t i = 0; i < child->step_count && !ended; i++) {
        kill(child->pid, child->steps[i].signal);
        ended =
            process_wait(child->pid, child->steps[i].seconds * MICROSECONDS_PER_SECOND, &status);
    }
    if (!ended) {
        kill(child->pid, SIGKILL);
        waitpid(child->pid, &status, 0);
    }
    child->pid = 0;
    if (child->record_path != NULL) {
        unlink(child->record_path);
    }
}

/* PostgreSQL's reason, behind which it gives details and hints. */
#define FATAL "FATAL:  "

void child_last_words(const Child *child, char *out, size_t bytes)
{
    char tail[TAIL_BYTES];
    out[0] = '\0';
    AUTO_FD fd = open(child->log_path, O_RDONLY | O_CLOEXEC);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    off_t offset = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    ssize_t got = fd < 0 ? 0 : pread(fd, tail, sizeof(tail), offset);
    Text rest = {tail, got > 0 ? (size_t)got : 0};
    bool told_fatal = false;
    while (rest.bytes != NULL) {
        Text line = text_trim(text_split(&rest, '\n'));
        bool is_fatal = memmem(line.bytes, line.length, FATAL, strlen(FATAL)) != NULL;
        if (line.length > 0 && (is_fatal || !told_fatal)) {
            snprintf(out, bytes, "%.*s", TEXT_ARGUMENTS(line));
            told_fatal = is_fatal;
        }
    }
}
