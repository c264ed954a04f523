/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding query strings; see query.h. */
#include "http/query.h"

#include "base/limits.h"
#include "base/percent.h"

enum { LOCATION_BYTES_MAX = 512 };

static size_t count_parts(Text raw)
{
    size_t count = 1;
    for (size_t i = 0; i < raw.length; i++) {
        count += raw.bytes[i] == '&' ? 1 : 0;
    }
    return count;
}

static Text decode(Text raw, Arena *arena)
{
    char *decoded = arena_alloc(arena, raw.length + 1);
    return (Text){decoded, percent_decode(raw, true, decoded)};
}

static bool is_clean(Text text)
{
    return text_is_utf8(text) && memchr(text.bytes, '\0', text.length) == NULL;
}

static void add_bad_text(Problems *problems, Text name)
{
    AUTO_BUFFER location;
    buffer_init(&location, LOCATION_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &location);
    writer_begin_array(&writer);
    writer_string(&writer, "query");
    writer_text(&writer, name);
    writer_end_array(&writer);
    bool shown = is_clean(name) && !location.overflow;
    if (shown) {
        /* The list's brackets are the problem's own. */
        location.length--;
    }
    problems_add(problems, "string_unicode", shown ? buffer_to_string(&location) + 1 : "\"query\"",
                 "Input should be valid UTF-8 text without a null character", NULL);
}

void query_parse(Text raw, Request *request, Problems *problems)
{
    request->query = NULL;
    request->query_count = 0;
    if (raw.length == 0) {
        return;
    }
    size_t parts = count_parts(raw);
    if (parts > QUERY_PARAMETERS_MAX) {
        problems_add(problems, "too_long", "\"query\"", "The query has too many parameters", NULL);
        return;
    }
    request->query = arena_alloc(&request->arena, parts * sizeof(QueryValue));
    while (raw.bytes != NULL) {
        Text value = text_split(&raw, '&');
        Text name = text_split(&value, '=');
        if (name.length == 0 && value.bytes == NULL) {
            continue;
        }
        QueryValue *place = &request->query[request->query_count++];
        place->name = decode(name, &request->arena);
        place->value = decode(value, &request->arena);
        if (!is_clean(place->name) || !is_clean(place->value)) {
            add_bad_text(problems, place->name);
        }
    }
}

Text query_raw_value(Text raw, const char *name)
{
    while (raw.bytes != NULL) {
        Text value = text_split(&raw, '&');
        if (text_is(text_split(&value, '='), name) && value.length > 0) {
            return value;
        }
    }
    return (Text){NULL, 0};
}
