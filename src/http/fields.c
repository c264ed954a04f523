/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a request's JSON; see fields.h. */
#include "http/fields.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/uuid.h"
#include "json/reader.h"

enum { INPUT_BYTES_SHOWN_MAX = 256 };

/* The last microsecond of the year 9999. */
#define TIME_MAX_US ((YEAR_9999_LAST_SECOND + 1) * MICROSECONDS_PER_SECOND - 1)

bool fields_parse_body(Text body, json_t **root_out, Problems *problems)
{
    Error error = {0};
    AUTO_JSON *root = NULL;
    if (!document_parse_sent(body, &root, &error)) {
        fields_not_json(&error, problems);
        return false;
    }
    if (!fields_check_body(root, problems)) {
        return false;
    }
    *root_out = TAKE(root);
    return true;
}

void fields_not_json(const Error *error, Problems *problems)
{
    problems_add(problems, "json_invalid", "\"body\"",
                 arena_format(problems->arena, "JSON decode error: %s", error->message), NULL);
}

bool fields_check_body(const json_t *root, Problems *problems)
{
    if (!json_is_object(root)) {
        problems_add(problems, "model_attributes_type", "\"body\"",
                     "Input should be a valid dictionary or object to extract fields from", NULL);
        return false;
    }
    return true;
}

const char *fields_location(const Fields *fields, const char *key)
{
    return arena_format(fields->problems->arena, "%s,\"%s\"", fields->location, key);
}

void fields_problem(const Fields *fields, const char *key, const char *type, const char *message)
{
    const json_t *value = json_object_get(fields->object, key);
    AUTO_FREE char *input = value == NULL ? NULL : document_to_string(value);
    bool shown = input != NULL && strlen(input) <= INPUT_BYTES_SHOWN_MAX;
    problems_add(fields->problems, type, fields_location(fields, key), message,
                 shown ? input : NULL);
}

/* The member; NULL when it is absent or null, with a problem when it is required. */
static const json_t *find(const Fields *fields, const char *key, FieldPresence presence)
{
    const json_t *value = json_object_get(fields->object, key);
    if (presence == FIELD_OPTIONAL && json_is_null(value)) {
        return NULL;
    }
    if (value == NULL && presence == FIELD_REQUIRED) {
        fields_problem(fields, key, "missing", "Field required");
    }
    return value;
}

/* UTF-8 characters of a valid text. */
static size_t character_count(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80 ? 1 : 0;
    }
    return count;
}

const char *fields_string(
    const Fields *fields, const char *key, FieldPresence presence, size_t minimum, size_t maximum)
{
    const json_t *value = find(fields, key, presence);
    if (value == NULL) {
        return NULL;
    }
    const char *text = json_string_value(value);
    Arena *arena = fields->problems->arena;
    if (text == NULL) {
        fields_problem(fields, key, "string_type", "Input should be a valid string");
        return NULL;
    }
    size_t count = character_count(text);
    if (count < minimum) {
        fields_problem(fields, key, "string_too_short",
                       arena_format(arena, "String should have at least %zu character%s", minimum,
                                    minimum == 1 ? "" : "s"));
        return NULL;
    }
    if (count > maximum) {
        fields_problem(fields, key, "string_too_long",
                       arena_format(arena, "String should have at most %zu characters", maximum));
        return NULL;
    }
    return text;
}

const char *fields_word(const Fields *fields, const char *key, const char *const *words)
{
    const json_t *value = find(fields, key, FIELD_REQUIRED);
    if (value == NULL) {
        return NULL;
    }
    Arena *arena = fields->problems->arena;
    const char *expected = "";
    for (size_t i = 0; words[i] != NULL; i++) {
        if (json_is_string(value) && strcmp(json_string_value(value), words[i]) == 0) {
            return words[i];
        }
        expected = arena_format(arena, "%s%s'%s'", expected, i > 0 ? ", " : "", words[i]);
    }
    fields_problem(fields, key, "enum", arena_format(arena, "Input should be one of %s", expected));
    return NULL;
}

const char *fields_uuid(const Fields *fields, const char *key, FieldPresence presence)
{
    const json_t *value = find(fields, key, presence);
    Uuid uuid;
    if (value == NULL) {
        return NULL;
    }
    if (!json_is_string(value) || !uuid_parse(text_of(json_string_value(value)), &uuid)) {
        fields_problem(fields, key, "uuid_parsing", "Input should be a valid UUID");
        return NULL;
    }
    return arena_string(fields->problems->arena, text_of(uuid.text));
}

const json_t *fields_object(const Fields *fields, const char *key, FieldPresence presence)
{
    const json_t *value = find(fields, key, presence);
    if (value != NULL && !json_is_object(value)) {
        fields_problem(fields, key, "dict_type", "Input should be a valid dictionary");
        return NULL;
    }
    return value;
}

const json_t *fields_array(const Fields *fields, const char *key, size_t minimum, size_t maximum)
{
    const json_t *value = find(fields, key, FIELD_REQUIRED);
    Arena *arena = fields->problems->arena;
    if (value == NULL) {
        return NULL;
    }
    if (!json_is_array(value)) {
        fields_problem(fields, key, "list_type", "Input should be a valid list");
        return NULL;
    }
    if (json_array_size(value) < minimum || json_array_size(value) > maximum) {
        bool few = json_array_size(value) < minimum;
        fields_problem(fields, key, few ? "too_short" : "too_long",
                       few ? arena_format(arena, "List should have at least %zu item%s, not %zu",
                                          minimum, minimum == 1 ? "" : "s", json_array_size(value))
                           : arena_format(arena, "List should have at most %zu items, not %zu",
                                          maximum, json_array_size(value)));
        return NULL;
    }
    return value;
}

/* A time without an offset is well-formed in ISO 8601, but nobody knows when it is. */
static void add_time_problem(const Fields *fields, const char *key, const char *text)
{
    int64_t at_us = 0;
    Arena *arena = fields->problems->arena;
    if (text != NULL && parse_timestamp(text_of(arena_format(arena, "%sZ", text)), &at_us)) {
        fields_problem(fields, key, "timezone_aware", "Input should have timezone info");
    } else {
        fields_problem(fields, key, "datetime_parsing", "Input should be a valid datetime");
    }
}

const char *fields_future(const Fields *fields, const char *key, int64_t after_us)
{
    const json_t *value = find(fields, key, FIELD_OPTIONAL);
    if (value == NULL) {
        return NULL;
    }
    const char *text = json_string_value(value);
    int64_t at_us = 0;
    if (text == NULL || !parse_timestamp(text_of(text), &at_us) || at_us > TIME_MAX_US) {
        add_time_problem(fields, key, text);
        return NULL;
    }
    if (at_us <= after_us) {
        fields_problem(fields, key, "value_error", FIELDS_NOT_FUTURE);
        return NULL;
    }
    /* RFC 3339 allows offsets up to 23:59, PostgreSQL takes less: it gets the time in UTC. */
    char utc[TIMESTAMP_BYTES];
    timestamp_format(at_us, utc);
    return arena_string(fields->problems->arena, text_of(utc));
}
