/* SPDX-License-Identifier: Apache-2.0 */
/* Serves one request of the worker; see application.h. */
#include "exchange/application.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/settings.h"
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

static void environment_clear(Environment *environment)
{
    settings_clear(SETTINGS, ARRAY_COUNT(SETTINGS), environment);
}

static bool write_user_error(const char *folder, const Error *problem, Error *error)
{
    AUTO_BUFFER buffer;
    buffer_init(&buffer, USER_ERROR_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &buffer);
    writer_begin_object(&writer);
    writer_key_string(&writer, "error_code", "INVALID_INPUT");
    writer_key_string(&writer, "message", problem->message);
    writer_end_object(&writer);
    AUTO_FREE char *path = alloc_format("%s/error.json", folder);
    return file_write(path, buffer_view(&buffer), USER_ERROR_MODE, error);
}

static bool serve(const Environment *environment, ApplicationProcess process, Error *error)
{
    AUTO_INPUT input = {.root = NULL};
    return input_read(environment->input_path, &input, error) &&
           process(&input, environment->output_folder, error);
}

int application_serve(ApplicationProcess process)
{
    CLEANUP(environment_clear) Environment environment = {NULL, NULL};
    Error error = {.code = ERROR_NONE};
    if (!settings_read(SETTINGS, ARRAY_COUNT(SETTINGS), &environment, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_SYSTEM_ERROR;
    }
    if (serve(&environment, process, &error)) {
        application_progress(1, "done");
        return EXIT_SUCCEEDED;
    }
    fprintf(stderr, "%s\n", error.message);
    Error second = {.code = ERROR_NONE};
    if (error.code == ERROR_INVALID &&
        write_user_error(environment.output_folder, &error, &second)) {
        return EXIT_USER_ERROR;
    }
    return EXIT_SYSTEM_ERROR;
}

void application_progress(double fraction, const char *stage)
{
    printf("progress %.3f %s\n", fraction, stage);
    (void)fflush(stdout);
}
