/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test application: follows docs/applications.md to the letter and does little in between. It
 * is for trying a platform out, not for looking at tissue.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/settings.h"
#include "grid.h"
#include "input.h"
#include "outputs.h"
#include "json/writer.h"

enum { EXIT_SUCCEEDED = 0, EXIT_SYSTEM_ERROR = 1, EXIT_USER_ERROR = 10 };

enum { USER_ERROR_BYTES_MAX = 8192, USER_ERROR_MODE = 0644 };

typedef struct Environment {
    char *input_path;
    char *output_folder;
} Environment;

static const Setting SETTINGS[] = {
    {"SLIDEWAY_INPUT", SETTING_STRING, offsetof(Environment, input_path), NULL, "input.json"},
    {"SLIDEWAY_OUTPUT", SETTING_STRING, offsetof(Environment, output_folder), NULL,
     "the folder for what is made"},
};

static bool process(const Environment *environment, Error *error)
{
    AUTO_INPUT input = {.root = NULL};
    AUTO_SLIDE *slide = NULL;
    AUTO_GRID grid = {.columns = 0};
    if (!input_read(environment->input_path, &input, error) ||
        !slide_open(input.slide_path, &slide, error) ||
        !input_matches_slide(&input, slide_info(slide), error) ||
        !grid_measure(slide, &grid, error)) {
        return false;
    }
    OutputContext context = {
        .folder = environment->output_folder,
        .attempt_id = input.attempt_id,
        .resolution_mpp = input_resolution_mpp(&input, slide_info(slide)),
    };
    if (!outputs_write(&grid, &context, error)) {
        return false;
    }
    puts("progress 1 done");
    return true;
}

static bool write_user_error(const Environment *environment, const Error *problem, Error *error)
{
    AUTO_BUFFER buffer;
    buffer_init(&buffer, USER_ERROR_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &buffer);
    writer_begin_object(&writer);
    writer_key_string(&writer, "error_code", "INVALID_INPUT");
    writer_key_string(&writer, "message", problem->message);
    writer_end_object(&writer);
    AUTO_FREE char *path = alloc_format("%s/error.json", environment->output_folder);
    return file_write(path, buffer_view(&buffer), USER_ERROR_MODE, error);
}

int main(void)
{
    Environment environment = {NULL, NULL};
    Error error = {.code = ERROR_NONE};
    int exit_code = EXIT_SUCCEEDED;
    if (!settings_read(SETTINGS, ARRAY_COUNT(SETTINGS), &environment, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_SYSTEM_ERROR;
    }
    if (!process(&environment, &error)) {
        fprintf(stderr, "%s\n", error.message);
        Error second = {.code = ERROR_NONE};
        bool users_fault = error.code == ERROR_INVALID;
        exit_code = users_fault && write_user_error(&environment, &error, &second)
                        ? EXIT_USER_ERROR
                        : EXIT_SYSTEM_ERROR;
    }
    settings_clear(SETTINGS, ARRAY_COUNT(SETTINGS), &environment);
    return exit_code;
}
