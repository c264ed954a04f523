/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads JSON strictly into a jansson tree: no duplicate keys, no invalid UTF-8, no NUL in strings,
 * depth at most JSON_DEPTH_MAX, nothing behind the document.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/text.h"

static inline void cleanup_json(json_t **json)
{
    json_decref(*json);
}
#define AUTO_JSON CLEANUP(cleanup_json) json_t

/* The message says where it broke: "line 3, column 14: …". */
MUST_CHECK bool document_parse(Text text, json_t **root_out, Error *error);
/* Reads a file of at most `bytes_max` bytes. */
MUST_CHECK bool document_read(const char *path, size_t bytes_max, json_t **root_out, Error *error);
/* A string member, borrowed; NULL when it is missing or no string. */
const char *document_string(const json_t *object, const char *key);
/* A compact serialisation with keys in their order; AUTO_FREE. NULL gives "null". */
char *document_to_string(const json_t *json);
