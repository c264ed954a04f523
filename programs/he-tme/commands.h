/* SPDX-License-Identifier: Apache-2.0 */
/* What he-tme does: one request of the worker, or one command of a person. */
#pragma once
#include <stdbool.h>

#include "analysis/analysis.h"
#include "cli/options.h"
#include "exchange/application.h"
#include "overlay.h"
#include "slides/slide.h"

/* The options of the commands. */
typedef struct CommandOptions {
    const char *output;
    const char *model;
    double mpp; /* 0: as the file says */
    int64_t threads;
    const char *region; /* of render and quality */
    OptionList regions; /* these two: of analyze alone */
    bool json;
} CommandOptions;

/* ApplicationProcess. */
MUST_CHECK bool serve_process(const Input *input, const char *output_folder, Error *error);

/* `arguments` stand behind the command's name; the result is the exit code. */
int analyze_main(char *const *arguments);
int render_main(char *const *arguments);
int quality_main(char *const *arguments);

typedef struct Command {
    const Option *options; /* its own, beside the common ones */
    size_t option_count;
    /* What the name of the file that it writes may end with, up to a NULL, the first two told in
     * errors; NULL: it writes a folder. */
    const char *const *endings;
    bool (*act)(const char *slide_path, const CommandOptions *options, Error *error);
} Command;

/* Reads the command line, acts and tells the error; the exit code. */
int command_run(const Command *command, char *const *arguments);
/* Whether the file's name is more than that ending, and has it. */
bool command_ends_with(const char *path, const char *ending);
/* A copy for files and summaries, which are UTF-8: of a name that is not, '?' for what is no ASCII.
 * AUTO_FREE. */
char *command_utf8_name(const char *name);
/* "X,Y,WIDTH,HEIGHT" inside the image, in pixels of its finest level; `option` is named in errors.
 */
MUST_CHECK bool command_region(const char *option,
                               const char *text,
                               const SlideLevel *level,
                               AnalysisRegion *region_out,
                               Error *error);
/* The option --region of render and quality; without it all of the image. */
extern const Option COMMAND_REGION_OPTION;
MUST_CHECK bool command_overlay_region(const CommandOptions *options,
                                       const SlideLevel *level,
                                       OverlayRegion *region_out,
                                       Error *error);
/* Analyses with the progress on standard error when that is a terminal. `scratch_folder`: see
 * AnalysisOptions. */
MUST_CHECK bool command_analyze(const char *slide_path,
                                const CommandOptions *options,
                                const char *scratch_folder,
                                AnalysisResult *result_out,
                                Error *error);
