/* SPDX-License-Identifier: Apache-2.0 */
/* The command analyze, and what it shares with render. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/parallel.h"
#include "analysis/report.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "commands.h"
#include "outputs.h"
#include "overlay.h"
#include "summary.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_USER_ERROR = 10 };

enum { THREADS_MAX = 256, PROGRESS_WIDTH = 40 };

static const char THUMBNAIL_FILE[] = "thumbnail.png";

static const Option COMMON_OPTIONS[] = {
    {"output", OPTION_STRING, offsetof(CommandOptions, output), "PATH", "where to write"},
    {"out", OPTION_STRING, offsetof(CommandOptions, output), "PATH", "the same"},
    {"mpp", OPTION_NUMBER, offsetof(CommandOptions, mpp), "X", "microns per pixel"},
    {"threads", OPTION_INTEGER, offsetof(CommandOptions, threads), "N", "threads"},
    {"model", OPTION_STRING, offsetof(CommandOptions, model), "FILE", "another network"},
};

static const Option ANALYZE_OPTIONS[] = {
    {"regions", OPTION_LIST, offsetof(CommandOptions, regions), "X,Y,W,H", "only these parts"},
    {"json", OPTION_FLAG, offsetof(CommandOptions, json), NULL, "a summary as JSON"},
};

bool command_ends_with(const char *path, const char *ending)
{
    const char *name = path_name(path);
    return path_ends_with(name, ending) && strlen(name) > strlen(ending);
}

static bool check_options(const Command *command, const CommandOptions *options, Error *error)
{
    if (options->output == NULL) {
        return error_set(error, ERROR_INVALID, "--output is needed; see he-tme --help");
    }
    if (options->mpp <= 0) {
        return error_set(error, ERROR_INVALID, "--mpp must be positive");
    }
    if (options->threads > THREADS_MAX) {
        return error_set(error, ERROR_INVALID, "--threads must be at most %d", THREADS_MAX);
    }
    const char *const *ending = command->endings;
    while (ending != NULL && *ending != NULL && !command_ends_with(options->output, *ending)) {
        ending++;
    }
    if (ending != NULL && *ending == NULL) {
        return error_set(error, ERROR_INVALID, "--output must name a file that ends in %s%s%s",
                         command->endings[0], command->endings[1] == NULL ? "" : " or ",
                         command->endings[1] == NULL ? "" : command->endings[1]);
    }
    return true;
}

/* The one operand and the options. */
static bool command_read(const Command *command,
                         char *const *arguments,
                         const char **slide_out,
                         CommandOptions *options_out,
                         Error *error)
{
    CommandOptions options = {.mpp = NAN};
    OptionSet sets[] = {{COMMON_OPTIONS, ARRAY_COUNT(COMMON_OPTIONS), &options},
                        {command->options, command->option_count, &options}};
    Operands operands;
    if (!options_parse(sets, ARRAY_COUNT(sets), arguments, &operands, error)) {
        return false;
    }
    AUTO_FREE char **values = operands.values;
    if (operands.count != 1) {
        return error_set(error, ERROR_INVALID, "one slide is needed; see he-tme --help");
    }
    if (!check_options(command, &options, error)) {
        return false;
    }
    options.mpp = isnan(options.mpp) ? 0 : options.mpp;
    *slide_out = values[0];
    *options_out = options;
    return true;
}

bool command_region(const char *option,
                    const char *text,
                    const SlideLevel *level,
                    AnalysisRegion *region_out,
                    Error *error)
{
    Text rest = text_of(text);
    AnalysisRegion region;
    bool valid =
        parse_int64(text_split(&rest, ','), 0, level->width_px - 1, &region.x_px) &&
        parse_int64(text_split(&rest, ','), 0, level->height_px - 1, &region.y_px) &&
        parse_int64(text_split(&rest, ','), 1, level->width_px - region.x_px, &region.width_px) &&
        parse_int64(text_split(&rest, ','), 1, level->height_px - region.y_px, &region.height_px) &&
        rest.bytes == NULL;
    if (!valid) {
        return error_set(error, ERROR_INVALID,
                         "--%s must be X,Y,WIDTH,HEIGHT inside the %lld x %lld px of the slide",
                         option, (long long)level->width_px, (long long)level->height_px);
    }
    *region_out = region;
    return true;
}

static void show_progress(void *context, double fraction, const char *stage)
{
    (void)context;
    static const char full[] = "########################################";
    int done = (int)(fraction * PROGRESS_WIDTH);
    fprintf(stderr, "\r[%-*.*s] %3.0f %%  %-12s", PROGRESS_WIDTH, done, full, 100 * fraction,
            stage);
}

static bool read_model(const char *path, Network **network_out, Error *error)
{
    AUTO_FREE char *bytes = NULL;
    size_t length = 0;
    if (path == NULL) {
        return true;
    }
    if (!file_read(path, NETWORK_BYTES_MAX, &bytes, &length, error) ||
        !network_read((const uint8_t *)bytes, length, network_out, error)) {
        return error_context(error, "--model '%s'", path);
    }
    return true;
}

static bool read_regions(const char *slide_path,
                         const OptionList *list,
                         AnalysisRegion regions_out[OPTION_LIST_MAX],
                         Error *error)
{
    AUTO_SLIDE *slide = NULL;
    if (list->count == 0) {
        return true;
    }
    if (!slide_open(slide_path, &slide, error)) {
        return false;
    }
    for (int i = 0; i < list->count; i++) {
        if (!command_region("regions", list->values[i], &slide_info(slide)->levels[0],
                            &regions_out[i], error)) {
            return false;
        }
    }
    return true;
}

bool command_analyze(const char *slide_path,
                     const CommandOptions *options,
                     const char *scratch_folder,
                     AnalysisResult *result_out,
                     Error *error)
{
    AUTO_NETWORK *network = NULL;
    AnalysisRegion regions[OPTION_LIST_MAX];
    if (!read_model(options->model, &network, error) ||
        !read_regions(slide_path, &options->regions, regions, error)) {
        return false;
    }
    bool watched = isatty(STDERR_FILENO) == 1;
    AnalysisOptions analysis = {
        .mpp = options->mpp,
        .thread_count = (unsigned)options->threads,
        .scratch_folder = scratch_folder,
        .network = network,
        .regions = regions,
        .region_count = (size_t)options->regions.count,
        .progress = watched ? show_progress : NULL,
    };
    bool done = analysis_run(slide_path, &analysis, result_out, error);
    if (watched) {
        fputc('\n', stderr);
    }
    return done;
}

int command_run(const Command *command, char *const *arguments)
{
    const char *slide_path = NULL;
    CommandOptions options;
    Error error = {.code = ERROR_NONE};
    int exit_code = EXIT_DONE;
    if (!command_read(command, arguments, &slide_path, &options, &error)) {
        exit_code = EXIT_USAGE;
    } else if (!outputs_watch_signals(&error) || !command->act(slide_path, &options, &error)) {
        error_add_context(&error, "%s", slide_path);
        exit_code = error.code == ERROR_INVALID ? EXIT_USER_ERROR : EXIT_FAILED;
    }
    if (exit_code != EXIT_DONE) {
        fprintf(stderr, "he-tme: %s\n", error.message);
    }
    return exit_code;
}

char *command_utf8_name(const char *name)
{
    char *copy = alloc_string(name);
    bool valid = text_is_utf8(text_of(name));
    for (char *place = copy; *place != '\0' && !valid; place++) {
        *place = (unsigned char)*place < 0x80 ? *place : '?';
    }
    return copy;
}

/* For a person who looks into the folder; no version declares it as an artifact. */
static bool write_thumbnail(const char *slide_path, const char *folder, Error *error)
{
    AUTO_SLIDE *slide = NULL;
    AUTO_FREE char *path = alloc_format("%s/%s", folder, THUMBNAIL_FILE);
    return slide_open(slide_path, &slide, error) && thumbnail_write(slide, path, error);
}

/* The files of the report and the thumbnail, which do not wait for each other. */
typedef struct Files {
    const AnalysisResult *result;
    ReportOptions report;
    const char *slide_path;
} Files;

static bool write_files(void *context, unsigned thread, uint32_t job, Error *error)
{
    (void)thread;
    const Files *files = context;
    return job == 0 ? write_thumbnail(files->slide_path, files->report.folder, error)
                    : report_write(files->result, &files->report, error);
}

static bool write_all(const AnalysisResult *result,
                      const char *slide_path,
                      const char *folder,
                      const CommandOptions *options,
                      Error *error)
{
    unsigned thread_count = parallel_thread_count((unsigned)options->threads);
    AUTO_FREE char *slide_name = command_utf8_name(path_name(slide_path));
    Files files = {.result = result,
                   .report = {.folder = folder,
                              .slide_name = slide_name,
                              .version = REPORT_VERSION_LATEST,
                              .thread_count = thread_count},
                   .slide_path = slide_path};
    ParallelJobs jobs = {.job_count = 2,
                         .thread_count = thread_count < 2 ? thread_count : 2,
                         .context = &files,
                         .run = write_files};
    return parallel_run(&jobs, error);
}

static bool analyze(const char *slide_path, const CommandOptions *options, Error *error)
{
    int64_t began_us = clock_monotonic_us(&SYSTEM_CLOCK);
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    AUTO_OUTPUTS outputs = {.folder = NULL};
    if (!outputs_open(&outputs, options->output, error) ||
        !command_analyze(slide_path, options, outputs.unfinished, &result, error)) {
        return false;
    }
    if (!write_all(&result, slide_path, outputs.unfinished, options, error) ||
        !outputs_publish(&outputs, error)) {
        return false;
    }
    double seconds =
        (double)(clock_monotonic_us(&SYSTEM_CLOCK) - began_us) / (double)MICROSECONDS_PER_SECOND;
    (options->json ? summary_print_json : summary_print)(&result, &outputs, seconds);
    return true;
}

int analyze_main(char *const *arguments)
{
    static const Command command = {ANALYZE_OPTIONS, ARRAY_COUNT(ANALYZE_OPTIONS), NULL, analyze};
    return command_run(&command, arguments);
}
