/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings: "a=1&b=x%20y+z" into names and values. */
#pragma once
#include "http/request.h"
#include "http/response.h"

/* Fills query and query_count of the request from the raw query (without '?'). What cannot be
 * taken (a NUL, no UTF-8, too many parameters) is added to the problems. */
void query_parse(Text raw, Request *request, Problems *problems);
/* The first value, still encoded and not empty, that the raw query gives to this name; bytes ==
 * NULL: none. */
Text query_raw_value(Text raw, const char *name);
