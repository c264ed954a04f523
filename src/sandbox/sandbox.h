/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox: runs the command of an application that we do not trust. Inside there are /usr, the
 * application's folder (read-only, /application), its scratch folder (/work) and nothing else: no
 * network, no other processes, no sockets, keys or files of the machine. docs/applications.md says
 * what an application may rely on.
 *
 * A program that calls sandbox_run starts itself again as the launcher, so its main begins with
 *     if (sandbox_is_launcher(argc, argv)) { return sandbox_launcher_main(argc, argv); }
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"

typedef struct SandboxLimits {
    int64_t memory_bytes; /* of the whole process tree */
    int64_t time_seconds; /* on the wall clock */
    int64_t processes;
    int64_t output_bytes; /* all files that it writes below /work */
} SandboxLimits;

typedef struct SandboxOptions {
    const char *application_folder;
    /* An absolute path. With input/ and input.json inside, which the application can only read;
     * output/ is made when it is missing. As root, sandbox_run gives the folder to `uid`; the
     * caller makes it and wipes it. */
    const char *scratch_folder;
    const char *const *command; /* ends in NULL; a path with a slash starts at /application */
    SandboxLimits limits;
    uid_t uid; /* as root: a user of this run's own; 0: the user stays the same */
    const Clock *clock;
    const atomic_bool *cancel; /* set by another thread: kill it; may be NULL */
    /* The newest progress line, on the thread of sandbox_run; may be NULL. */
    void (*progress)(void *context, double fraction, Text stage);
    void *progress_context;
} SandboxOptions;

typedef enum SandboxEnd {
    SANDBOX_EXITED,
    SANDBOX_SIGNALLED, /* it died by a signal that we did not send */
    SANDBOX_TIMED_OUT,
    SANDBOX_OUT_OF_MEMORY,
    SANDBOX_OUTPUT_TOO_LARGE,
    SANDBOX_CANCELLED,
    SANDBOX_END_COUNT
} SandboxEnd;

typedef struct SandboxOutcome {
    SandboxEnd kind;
    int exit_code; /* of SANDBOX_EXITED */
    int signal;    /* of SANDBOX_SIGNALLED */
    int64_t peak_memory_bytes;
    int64_t duration_us;
    /* The end of what it wrote to stderr, and to stdout besides progress: valid UTF-8. */
    char log_tail[LOG_TAIL_BYTES_MAX + 1];
} SandboxOutcome;

/* Runs the command to its end or kills it; when it returns, no process of it lives. False when the
 * sandbox itself cannot be set up: the application has not run then. */
MUST_CHECK bool
sandbox_run(const SandboxOptions *options, SandboxOutcome *outcome_out, Error *error);

/* "exited", "signalled", "timed_out", …: as it stands in the log. */
const char *sandbox_end_name(SandboxEnd end);

/* The part that runs in the child before the application. */
bool sandbox_is_launcher(int argc, char **argv);
int sandbox_launcher_main(int argc, char **argv);
