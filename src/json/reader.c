/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON reading; see reader.h. */
#include "json/reader.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "json/slice.h"

/* jansson's own limit is 2048 levels; a scan outside strings is cheap and exact. */
static bool depth_within_limit(Text text)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_MAX) {
                return false;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return true;
}

static bool parse(Text text, size_t flags, json_t **json_out, Error *error)
{
    json_error_t reason;
    /* Without JSON_ALLOW_NUL a \u0000 is refused. */
    json_t *json = json_loadb(text.bytes == NULL ? "" : text.bytes, text.length,
                              JSON_REJECT_DUPLICATES | flags, &reason);
    if (json == NULL) {
        return error_set(error, ERROR_INVALID, "line %d, column %d: %s", reason.line, reason.column,
                         reason.text);
    }
    *json_out = json;
    return true;
}

bool document_check_bytes(Text text, Error *error)
{
    /* jansson passes over a NUL behind a number or a word. */
    if (text.length > 0 && memchr(text.bytes, '\0', text.length) != NULL) {
        return error_set(error, ERROR_INVALID, "JSON may not hold a null character");
    }
    return depth_within_limit(text) ||
           error_set(error, ERROR_INVALID, "JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
}

bool document_check_values(Text text, Error *error)
{
    return slice_value_count(text) <= SENT_VALUES_MAX ||
           error_set(error, ERROR_INVALID, "JSON holds more than %d values", SENT_VALUES_MAX);
}

bool document_parse(Text text, json_t **root_out, Error *error)
{
    return document_check_bytes(text, error) && parse(text, 0, root_out, error);
}

bool document_parse_sent(Text text, json_t **root_out, Error *error)
{
    return document_check_values(text, error) && document_parse(text, root_out, error);
}

bool value_parse_sent(Text text, json_t **value_out, Error *error)
{
    return document_check_values(text, error) && parse(text, JSON_DECODE_ANY, value_out, error);
}

bool document_read(const char *path, size_t bytes_max, json_t **root_out, Error *error)
{
    AUTO_FREE char *bytes = NULL;
    size_t length = 0;
    if (!file_read(path, bytes_max, &bytes, &length, error)) {
        return false;
    }
    if (!document_parse((Text){bytes, length}, root_out, error)) {
        return error_context(error, "'%s'", path);
    }
    return true;
}

const char *document_string(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

char *document_to_string(const json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    return text != NULL ? text : alloc_string("null");
}
