/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application version asks of a slide: the name of its input artifact and the metadata that
 * its schema allows and requires. The schema comes from the API, never from a table in here.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "cli/api_client.h"

/* The input of one version; the strings are borrowed from `version`. */
typedef struct RunInput {
    json_t *version;
    const char *application_id;
    const char *number;
    const char *artifact_name;
    const json_t *schema; /* of its metadata; NULL: anything goes */
} RunInput;

void run_input_clear(RunInput *input);
#define AUTO_RUN_INPUT CLEANUP(run_input_clear) RunInput

/* Asks for the version, the newest one when `number` is NULL. The strings given must outlive the
 * input. An application of several input artifacts is refused: a slide fills one. */
MUST_CHECK bool run_input_find(ApiClient *client,
                               const char *application_id,
                               const char *number,
                               RunInput *input_out,
                               Error *error);
/* The same from a version as the API describes it. */
MUST_CHECK bool run_input_of(json_t *version, RunInput *input_out, Error *error);

/*
 * The metadata of one slide: the facts of its file (NULL: they are not known) as far as the schema
 * knows them, then what the caller gave, then defaults for what is still required (H&E, a specimen
 * of OTHER). Fails when the caller gave what the schema does not know, or when something is
 * missing.
 */
MUST_CHECK json_t *
run_input_metadata(const RunInput *input, const json_t *facts, const json_t *given, Error *error);
