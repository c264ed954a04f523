/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: how a child is started, recorded, recognised and ended. A pid alone proves nothing,
 * it is given out again; pid, start time, boot and program together name one process of one life.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct ProcessPlan {
    const char *program;
    const char *const *arguments;   /* with argv[0], NULL at its end */
    const char *const *environment; /* NULL at its end */
    const char *log_path;           /* standard output and error go there */
    int output_fd;                  /* -1, or where standard output goes instead */
    uid_t uid;
    gid_t gid;
    int death_signal; /* what it gets when up dies */
} ProcessPlan;

/* Starts it in a process group of its own; *pid_out is its pid. */
MUST_CHECK bool process_start(const ProcessPlan *plan, pid_t *pid_out, Error *error);

/* Waits until it ended. False: it still runs after so long. */
MUST_CHECK bool process_wait(pid_t pid, int64_t limit_us, int *status_out);
/* False also for one that ended and that its parent has not noticed yet: it keeps its pid. */
bool process_is_alive(pid_t pid);
/* "exit code 3", "signal 9". */
void process_describe(int status, char *out, size_t out_bytes);

/* Writes who the child is, so that the next life finds it: DIR/run/NAME.pid. */
MUST_CHECK bool process_record(const char *path, pid_t pid, const char *program, Error *error);
/* The pid in the record when that very process still runs; 0 when not, or without a record. */
pid_t process_recorded(const char *path);

/* One step of ending a process that is not our child: a signal, and how long it may take. */
typedef struct EndingStep {
    int signal;
    int seconds;
} EndingStep;

/* Ends the recorded process, if it lives, and removes the record. False: it does not end. */
bool process_end_recorded(const char *path, const EndingStep *steps, size_t step_count);
