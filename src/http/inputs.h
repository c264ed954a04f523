/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the path and the query of a request: each reader checks one and, when it is wrong, adds
 * a problem with its exact place. All texts are in the request's arena; NULL: it was not given.
 */
#pragma once
#include <stdbool.h>

#include "http/request.h"
#include "http/response.h"

/* The UUID at `index` of the path, in lower case. */
const char *input_path_uuid(Request *request, int index, const char *name, Problems *problems);

const char *input_string(Request *request, const char *name);
/* One of a few words, which end in NULL. */
const char *
input_word(Request *request, const char *name, const char *const *words, Problems *problems);
/* Checks each value of a repeated parameter against the words. */
void input_check_words(Request *request,
                       const char *name,
                       const char *const *words,
                       Problems *problems);
const char *input_uuid(Request *request, const char *name, Problems *problems);
/* "true" or "false". */
const char *input_bool(Request *request, const char *name, Problems *problems);
/* Whether all of them are NULL. */
bool inputs_are_absent(const char *const *values, size_t count);
