/* SPDX-License-Identifier: Apache-2.0 */
/* What he-tme does: one request of the worker, or one command of a person. */
#pragma once
#include <stdbool.h>

#include "analysis/analysis.h"
#include "exchange/application.h"

/* The options that both commands have. */
typedef struct CommandOptions {
    const char *output;
    const char *region; /* of render alone */
    double mpp;
    int64_t threads;
} CommandOptions;

/* ApplicationProcess. */
MUST_CHECK bool serve_process(const Input *input, const char *output_folder, Error *error);

/* `arguments` stand behind the command's name; the result is the exit code. */
int analyze_main(char *const *arguments);
int render_main(char *const *arguments);

typedef bool (*CommandAction)(const char *slide_path, const CommandOptions *options, Error *error);
/* Reads the command line, acts and tells the error; the exit code. Only render has a region. */
int command_run(char *const *arguments, bool with_region, CommandAction action);
/* Analyses with the progress on standard error when that is a terminal. */
MUST_CHECK bool command_analyze(const char *slide_path,
                                const CommandOptions *options,
                                AnalysisResult *result_out,
                                Error *error);
