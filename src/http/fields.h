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

/* Parses a body that must be an object; false adds the one problem that there is. The caller owns
 * *root_out (AUTO_JSON). */
MUST_CHECK bool fields_parse_body(Text body, json_t **root_out, Problems *problems);
/* What fields_parse_body consists of: the problem of a body that could not be parsed, and the check
 * that it is an object (false adds the problem). */
void fields_not_json(const Error *error, Problems *problems);
MUST_CHECK bool fields_check_body(const json_t *root, Problems *problems);
/* The location of a member. */
const char *fields_location(const Fields *fields, const char *key);
/* A problem at a member. */
void fields_problem(const Fields *fields, const char *key, const char *type, const char *message);
/* A string of minimum to maximum characters; an optional one may be absent or null (NULL). */
const char *fields_string(
    const Fields *fields, const char *key, FieldPresence presence, size_t minimum, size_t maximum);
/* One of a few words, which end in NULL. */
const char *fields_word(const Fields *fields, const char *key, const char *const *words);
/* A UUID in lower case, in the arena. */
const char *fields_uuid(const Fields *fields, const char *key, FieldPresence presence);
/* An object; an optional one may be absent or null (NULL). */
const json_t *fields_object(const Fields *fields, const char *key, FieldPresence presence);
/* An array of minimum to maximum elements. */
const json_t *fields_array(const Fields *fields, const char *key, size_t minimum, size_t maximum);
/* What is said of a date-time that has passed. */
#define FIELDS_NOT_FUTURE "Input should be in the future"
/* An optional RFC 3339 date-time later than `after_us`, in UTC and in the arena. */
const char *fields_future(const Fields *fields, const char *key, int64_t after_us);
