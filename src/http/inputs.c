/* SPDX-License-Identifier: Apache-2.0 */
/* Checked values of path and query; see inputs.h. */
#include "http/inputs.h"

#include <strings.h>

#include "base/uuid.h"

#define UUID_EXPECTED "Input should be a valid UUID"

static const char *take_uuid(Text value, const char *place, const char *name, Problems *problems)
{
    Uuid uuid;
    if (!uuid_parse(value, &uuid)) {
        problems_add(problems, "uuid_parsing",
                     arena_format(problems->arena, "\"%s\",\"%s\"", place, name), UUID_EXPECTED,
                     NULL);
        return NULL;
    }
    return arena_string(problems->arena, text_of(uuid.text));
}

const char *input_path_uuid(Request *request, int index, const char *name, Problems *problems)
{
    return take_uuid(request->path_values[index], "path", name, problems);
}

const char *input_string(Request *request, const char *name)
{
    Text value = request_query(request, name);
    return value.bytes == NULL ? NULL : arena_string(&request->arena, value);
}

/* The word that the text is, or NULL. */
static const char *find_word(Text value, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (text_is(value, *words)) {
            return *words;
        }
    }
    return NULL;
}

static void
add_word_problem(Arena *arena, const char *location, const char *const *words, Problems *problems)
{
    const char *expected = "";
    for (size_t i = 0; words[i] != NULL; i++) {
        expected = arena_format(arena, "%s%s'%s'", expected, i > 0 ? ", " : "", words[i]);
    }
    problems_add(problems, "enum", location,
                 arena_format(arena, "Input should be one of %s", expected), NULL);
}

const char *
input_word(Request *request, const char *name, const char *const *words, Problems *problems)
{
    Text value = request_query(request, name);
    const char *word = value.bytes == NULL ? NULL : find_word(value, words);
    if (value.bytes != NULL && word == NULL) {
        add_word_problem(&request->arena, arena_format(&request->arena, "\"query\",\"%s\"", name),
                         words, problems);
    }
    return word;
}

void input_check_words(Request *request,
                       const char *name,
                       const char *const *words,
                       Problems *problems)
{
    for (size_t index = 0;; index++) {
        Text value = request_query_at(request, name, index);
        if (value.bytes == NULL) {
            return;
        }
        if (find_word(value, words) == NULL) {
            add_word_problem(&request->arena,
                             arena_format(&request->arena, "\"query\",\"%s\",%zu", name, index),
                             words, problems);
        }
    }
}

const char *input_uuid(Request *request, const char *name, Problems *problems)
{
    Text value = request_query(request, name);
    return value.bytes == NULL ? NULL : take_uuid(value, "query", name, problems);
}

const char *input_bool(Request *request, const char *name, Problems *problems)
{
    static const char *const TRUE_WORDS[] = {"true", "1", "yes", "on", "t", "y"};
    static const char *const FALSE_WORDS[] = {"false", "0", "no", "off", "f", "n"};
    const char *value = input_string(request, name);
    if (value == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_COUNT(TRUE_WORDS); i++) {
        if (strcasecmp(value, TRUE_WORDS[i]) == 0) {
            return "true";
        }
        if (strcasecmp(value, FALSE_WORDS[i]) == 0) {
            return "false";
        }
    }
    problems_add(problems, "bool_parsing", arena_format(&request->arena, "\"query\",\"%s\"", name),
                 "Input should be a valid boolean", NULL);
    return NULL;
}

bool inputs_are_absent(const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i] != NULL) {
            return false;
        }
    }
    return true;
}
