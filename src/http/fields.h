/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a JSON object of a request: each reader checks one member and, when it is wrong,
 * adds a problem with its exact place and gives back nothing.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/response.h"

typedef struct Fields {
    const json_t *object;
    const char *location; /* of the object: `"body","items",3` */
    Problems *problems;
} Fields;

typedef enum FieldPresence { FIELD_REQUIRED, FIELD_OPTIONAL } FieldPresence;

/* The location of a member. */
const char *fields_location(const Fields *fields, const char *key);
/* A problem at a member. */
void fields_problem(const Fields *fields, const char *key, const char *type, const char *message);
/* A string of minimum to maximum characters; an optional one may be absent or null (NULL). */
const char *fields_string(
    const Fields *fields, const char *key, FieldPresence presence, size_t minimum, size_t maximum);
/* An object; an optional one may be absent or null (NULL). */
const json_t *fields_object(const Fields *fields, const char *key, FieldPresence presence);
/* An array of minimum to maximum elements. */
const json_t *fields_array(const Fields *fields, const char *key, size_t minimum, size_t maximum);
/* An optional RFC 3339 date-time later than `after_us`, as the text that was sent. */
const char *fields_future(const Fields *fields, const char *key, int64_t after_us);
