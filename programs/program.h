/* SPDX-License-Identifier: Apache-2.0 */
/* What the long-running programs do alike before they start: arguments, signals, limits, log. */
#pragma once
#include <signal.h>
#include <stdbool.h>

#include "base/settings.h"
#include "objectstore/objectstore.h"

typedef struct ProgramInfo {
    const char *name;    /* "slideway-server" */
    const char *purpose; /* a sentence for --help */
    const char *version;
    const Setting *settings;
    size_t setting_count;
    /* Behind the standard ones; NULL: none. */
    const char *extra_option; /* "print-routes" */
    void (*run_extra)(void);
} ProgramInfo;

/* True: the arguments asked only for text, or were wrong; *code_out is the exit code. */
bool program_read_arguments(const ProgramInfo *program, int count, char **arguments, int *code_out);

/* Blocks SIGTERM and SIGINT in this thread and those that it starts; SIGPIPE is ignored. */
void program_block_signals(sigset_t *signals_out);
/* Connections and files may need more than the usual soft limit. */
void program_raise_file_limit(void);
/* "debug", "info", "warning" or "error". */
MUST_CHECK bool program_set_log_level(const char *name, Error *error);
/* False: the object store refuses us. One that does not answer now is logged, and no failure. */
MUST_CHECK bool program_check_store(ObjectStore *store, Error *error);
/* One line on standard error. */
void program_print_failure(const ProgramInfo *program, const Error *error);
