/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A supervised child: started with a record, started again after it died (the pause doubles up to
 * a bound), stopped with a signal and a limit.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "up/process.h"

enum { CHILD_ARGUMENTS_MAX = 48, CHILD_STEPS_MAX = 3 };

typedef struct Child {
    const char *name; /* "postgres", "server", "worker" */
    char *program;
    char *arguments[CHILD_ARGUMENTS_MAX];
    char **environment;
    char *log_path;
    char *record_path;
    uid_t uid;
    gid_t gid;
    EndingStep steps[CHILD_STEPS_MAX]; /* how it is ended; the first signal also when up dies */
    size_t step_count;

    pid_t pid; /* 0: not running */
    int64_t started_at_us;
    int64_t restart_at_us; /* 0: no restart is planned */
    unsigned failures;     /* deaths in a row, each soon after a start */
} Child;

void child_clear(Child *child);

MUST_CHECK bool child_start(Child *child, const Clock *clock, Error *error);
/* Takes note of the death and plans the restart; the reason is written to `reason_out`. */
void child_died(Child *child, const Clock *clock, int status, char *reason_out, size_t bytes);
/* Stops it; a process that does not follow is killed. */
void child_stop(Child *child);
/* The pause before the restart after so many failures in a row. */
int64_t child_pause_us(unsigned failures);
/* The last line of its log that is not empty, at most `bytes` - 1 of it; of PostgreSQL's the one
 * with the reason, not the hint behind it. */
void child_last_words(const Child *child, char *out, size_t bytes);
