/* SPDX-License-Identifier: Apache-2.0 */
/* The slides of a run to be submitted: files of this machine and http(s) addresses. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "cli/options.h"
#include "cli/run_input.h"

typedef struct RunSlide {
    const char *operand;
    bool is_url;
    char *external_id;
    json_t *metadata; /* of its input artifact */
    char *url;        /* where a worker reads it; of a file: after its upload */
} RunSlide;

typedef struct RunSlides {
    RunSlide *slides;
    size_t count;
} RunSlides;

void run_slides_clear(RunSlides *slides);
#define AUTO_RUN_SLIDES CLEANUP(run_slides_clear) RunSlides

/* --metadata: one object for all slides or an array with one for each, as JSON or as "@file". NULL
 * gives an empty object. */
MUST_CHECK bool metadata_option_read(const char *option, json_t **given_out, Error *error);

/* Reads and checks every slide, so that nothing is uploaded for a run that cannot be. `operands`
 * begin with the slides. */
MUST_CHECK bool run_slides_read(char *const *operands,
                                size_t count,
                                const RunInput *input,
                                const json_t *given,
                                RunSlides *slides_out,
                                Error *error);
/* The body of POST /v1/runs. */
MUST_CHECK json_t *run_slides_body(const RunSlides *slides, const RunInput *input);
