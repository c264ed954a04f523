/* SPDX-License-Identifier: Apache-2.0 */
/* The common start of programs; see program.h. */
#include "program.h"

#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"

static void print_usage(const ProgramInfo *program, FILE *out)
{
    fprintf(out, "usage: %s [--help | --version | --print-settings%s%s]\n", program->name,
            program->extra_option != NULL ? " | --" : "",
            program->extra_option != NULL ? program->extra_option : "");
}

bool program_read_arguments(const ProgramInfo *program, int count, char **arguments, int *code_out)
{
    const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                     {"version", no_argument, NULL, 'v'},
                                     {"print-settings", no_argument, NULL, 's'},
                                     {program->extra_option, no_argument, NULL, 'x'},
                                     {NULL, 0, NULL, 0}};
    *code_out = 0;
    switch (getopt_long(count, arguments, "h", options, NULL)) {
    case 'h':
        print_usage(program, stdout);
        printf("\n%s It is set up by the environment:\n\n", program->purpose);
        settings_print(program->settings, program->setting_count, stdout);
        return true;
    case 'v':
        printf("%s %s\n", program->name, program->version);
        return true;
    case 's':
        settings_print(program->settings, program->setting_count, stdout);
        return true;
    case 'x':
        program->run_extra();
        return true;
    case -1:
        if (optind >= count) {
            return false;
        }
        break;
    default:
        break;
    }
    print_usage(program, stderr);
    *code_out = 2;
    return true;
}

void program_block_signals(sigset_t *signals_out)
{
    sigemptyset(signals_out);
    sigaddset(signals_out, SIGTERM);
    sigaddset(signals_out, SIGINT);
    pthread_sigmask(SIG_BLOCK, signals_out, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void program_raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

bool program_set_log_level(const char *name, Error *error)
{
    static const char *const NAMES[] = {"debug", "info", "warning", "error"};
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            log_set_level((LogLevel)i);
            return true;
        }
    }
    return error_set(error, ERROR_INVALID,
                     "SLIDEWAY_LOG_LEVEL must be debug, info, warning or error");
}

bool program_check_store(ObjectStore *store, Error *error)
{
    Error reason = {0};
    if (objectstore_check(store, &reason)) {
        return true;
    }
    if (reason.code == ERROR_UNAVAILABLE) {
        log_error(LOG_WARNING, EVENT_OBJECT_STORE_AWAY, &reason);
        return true;
    }
    *error = reason;
    return false;
}

void program_print_failure(const ProgramInfo *program, const Error *error)
{
    fprintf(stderr, "%s: %s%s%s\n", program->name, error->message,
            error->cause[0] != '\0' ? ": " : "", error->cause);
}
