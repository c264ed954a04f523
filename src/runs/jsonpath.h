/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSONPath filters, which PostgreSQL evaluates (custom_metadata @? path). Here they get the "$."
 * that callers may leave out, and what no time limit of PostgreSQL bounds is refused: between two
 * wildcards it compares each with each without looking at its clock, and a chain of ".**" doubles
 * its memory at each step. All else runs under the time limit of a search.
 */
#pragma once
#include <stdbool.h>

#include "http/request.h"
#include "http/response.h"

/* The filter in the parameter custom_metadata, or NULL: none was given, or it is "$", or (with a
 * problem) it is refused. */
const char *jsonpath_of(Request *request, Problems *problems);
/* Turns what PostgreSQL says about a filter into a problem of the parameter (422); false: it is not
 * about the filter. */
bool search_refuse(Request *request, const char *sqlstate, const char *message, Response *response);
