/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker asks an application for: input.json of docs/applications.md. */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "slides/slide.h"
#include "json/reader.h"

/* Strings are borrowed from `root`. */
typedef struct Input {
    json_t *root;
    const char *version_number; /* of the application that is asked; NULL when it is not given */
    const char *attempt_id;
    const char *item_id;     /* NULL when it is not given */
    const char *external_id; /* NULL when it is not given */
    const char *slide_path;
    const json_t *metadata; /* an object */
} Input;

MUST_CHECK bool input_read(const char *path, Input *input_out, Error *error);
void input_clear(Input *input);
#define AUTO_INPUT CLEANUP(input_clear) Input

/* Opens the slide and compares it with its metadata: width, height, resolution and media type,
 * where given, must be those of the file. ERROR_INVALID says that the slide or its metadata is
 * wrong. */
MUST_CHECK bool input_open_slide(const Input *input, Slide **slide_out, Error *error);
/* Microns of a pixel: as the slide says, else as the metadata says, else 0. */
double input_resolution_mpp(const Input *input, const SlideInfo *slide);
