/* SPDX-License-Identifier: Apache-2.0 */
/* The command analyze, and what it shares with render. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/report.h"
#include "base/alloc.h"
#include "base/file.h"
#include "cli/options.h"
#include "commands.h"
#include "overlay.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_USER_ERROR = 10, FOLDER_MODE = 0755 };

enum { THREADS_MAX = 256 };

static const char THUMBNAIL_FILE[] = "thumbnail.png";

/* The last one is render's alone. */
static const Option OPTIONS[] = {
    {"output", OPTION_STRING, offsetof(CommandOptions, output), "PATH", "where to write"},
    {"mpp", OPTION_NUMBER, offsetof(CommandOptions, mpp), "X", "microns per pixel"},
    {"threads", OPTION_INTEGER, offsetof(CommandOptions, threads), "N", "threads"},
    {"region", OPTION_STRING, offsetof(CommandOptions, region), "X,Y,W,H", "the part to draw"},
};

/* The one operand and the options. */
static bool command_read(char *const *arguments,
                         bool with_region,
                         const char **slide_out,
                         CommandOptions *options_out,
                         Error *error)
{
    CommandOptions options = {.output = NULL};
    size_t count = ARRAY_COUNT(OPTIONS) - (with_region ? 0 : 1);
    OptionSet set = {OPTIONS, count, &options};
    Operands operands;
    if (!options_parse(&set, 1, arguments, &operands, error)) {
        return false;
    }
    AUTO_FREE char **values = operands.values;
    if (operands.count != 1) {
        return error_set(error, ERROR_INVALID, "one slide is needed; see he-tme --help");
    }
    if (options.output == NULL) {
        return error_set(error, ERROR_INVALID, "--output is needed; see he-tme --help");
    }
    if (options.mpp < 0 || options.threads > THREADS_MAX) {
        return error_set(error, ERROR_INVALID, "--mpp must be positive, --threads at most %d",
                         THREADS_MAX);
    }
    *slide_out = values[0];
    *options_out = options;
    return true;
}

static void show_progress(void *context, double fraction, const char *stage)
{
    (void)context;
    fprintf(stderr, "\r%3.0f %%  %-24s", 100 * fraction, stage);
}

bool command_analyze(const char *slide_path,
                     const CommandOptions *options,
                     AnalysisResult *result_out,
                     Error *error)
{
    bool watched = isatty(STDERR_FILENO) == 1;
    AnalysisOptions analysis = {
        .mpp = options->mpp,
        .thread_count = (unsigned)options->threads,
        .progress = watched ? show_progress : NULL,
    };
    bool done = analysis_run(slide_path, &analysis, result_out, error);
    if (watched) {
        fputc('\n', stderr);
    }
    return done;
}

int command_run(char *const *arguments, bool with_region, CommandAction action)
{
    const char *slide_path = NULL;
    CommandOptions options;
    Error error = {.code = ERROR_NONE};
    int exit_code = EXIT_DONE;
    if (!command_read(arguments, with_region, &slide_path, &options, &error)) {
        exit_code = EXIT_USAGE;
    } else if (!action(slide_path, &options, &error)) {
        exit_code = error.code == ERROR_INVALID ? EXIT_USER_ERROR : EXIT_FAILED;
    }
    if (exit_code != EXIT_DONE) {
        fprintf(stderr, "he-tme: %s\n", error.message);
    }
    return exit_code;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void tell(const AnalysisResult *result, const char *folder)
{
    printf("%lld x %lld px at %.4g microns per pixel, %u nuclei\n", (long long)result->width_px,
           (long long)result->height_px, result->mpp, result->cells.count);
    for (int i = 0; i < REPORT_ARTIFACT_COUNT; i++) {
        printf("%s/%s\n", folder, REPORT_ARTIFACTS[i].file);
    }
    printf("%s/%s\n", folder, THUMBNAIL_FILE);
}

/* For a person who looks into the folder; no version declares it as an artifact. */
static bool write_thumbnail(const char *slide_path, const char *folder, Error *error)
{
    AUTO_SLIDE *slide = NULL;
    AUTO_FREE char *path = alloc_format("%s/%s", folder, THUMBNAIL_FILE);
    return slide_open(slide_path, &slide, error) && thumbnail_write(slide, path, error);
}

static bool analyze(const char *slide_path, const CommandOptions *options, Error *error)
{
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    if (!folder_create(options->output, FOLDER_MODE, error) ||
        !command_analyze(slide_path, options, &result, error)) {
        return false;
    }
    ReportOptions report = {.folder = options->output,
                            .slide_name = file_name(slide_path),
                            .version = REPORT_VERSION_LATEST,
                            .thread_count = (unsigned)options->threads};
    if (!report_write(&result, &report, error) ||
        !write_thumbnail(slide_path, options->output, error)) {
        return false;
    }
    tell(&result, options->output);
    return true;
}

int analyze_main(char *const *arguments)
{
    return command_run(arguments, false, analyze);
}
