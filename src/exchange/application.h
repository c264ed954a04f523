/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application's side of docs/applications.md: the environment in, progress, errors and exit
 * codes out. ERROR_INVALID is the error of who sent the slide, any other one is the system's.
 */
#pragma once
#include <stdbool.h>

#include "exchange/input.h"

/* Writes the declared files and output.json into the folder. */
typedef bool (*ApplicationProcess)(const Input *input, const char *output_folder, Error *error);

/* Serves the one request that the environment names; the result is the program's exit code. */
int application_serve(ApplicationProcess process);
/* `fraction` is 0..1. */
void application_progress(double fraction, const char *stage);
