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
/* As document_parse, for what a client sent: refuses more than SENT_VALUES_MAX values. */
MUST_CHECK bool document_parse_sent(Text text, json_t **root_out, Error *error);
/* As document_parse_sent, for a part of a document: any value is taken and its depth not looked at.
 */
MUST_CHECK bool value_parse_sent(Text text, json_t **value_out, Error *error);
/* That the text holds no more than SENT_VALUES_MAX values. */
MUST_CHECK bool document_check_values(Text text, Error *error);
/* That the text holds no NUL and is nested no deeper than JSON_DEPTH_MAX. */
MUST_CHECK bool document_check_bytes(Text text, Error *error);
/* Reads a file of at most `bytes_max` bytes. */
MUST_CHECK bool document_read(const char *path, size_t bytes_max, json_t **root_out, Error *error);
/* A string member, borrowed; NULL when it is missing or no string. */
const char *document_string(const json_t *object, const char *key);
/* A compact serialisation with keys in their order; AUTO_FREE. NULL gives "null". */
char *document_to_string(const json_t *json);
