/* SPDX-License-Identifier: Apache-2.0 */
/* What a check says; see schema_checker.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/parse.h"
#include "json/reader.h"
#include "json/schema_checker.h"
#include "json/writer.h"

enum {
    CHOICES_SHOWN_MAX = 20,
    CHOICE_BYTES_SHOWN_MAX = 80,
    TEXT_BYTES_MAX = 4000,
    RULE_BYTES_SHOWN_MAX = 500
};

bool findings_are_kept(const Findings *findings)
{
    return findings->out != NULL && findings->out->count < SCHEMA_PROBLEMS_MAX;
}

bool findings_suffice(const Findings *findings)
{
    return findings->first_only && findings->count > 0;
}

char *number_text(const json_t *number, Arena *arena)
{
    if (json_is_integer(number)) {
        return arena_format(arena, "%lld", (long long)json_integer_value(number));
    }
    double value = json_real_value(number);
    char *text = arena_format(arena, "%.15g", value);
    double back = 0;
    return parse_double(text_of(text), &back) && back == value
               ? text
               : arena_format(arena, "%.17g", value);
}

/* A scalar as it may stand in a sentence. */
static void append_choice(Buffer *out, const json_t *value, Arena *arena)
{
    if (json_is_string(value)) {
        size_t length = json_string_length(value);
        buffer_format(out, length > CHOICE_BYTES_SHOWN_MAX ? "…" : "'%s'",
                      json_string_value(value));
    } else if (json_is_number(value)) {
        buffer_string(out, number_text(value, arena));
    } else {
        AUTO_FREE char *json = document_to_string(value);
        buffer_string(out, strlen(json) > CHOICE_BYTES_SHOWN_MAX ? "…" : json);
    }
}

char *choices_text(const json_t *choices, Arena *arena)
{
    AUTO_BUFFER out;
    buffer_init(&out, TEXT_BYTES_MAX);
    size_t count = json_array_size(choices);
    size_t shown = count > CHOICES_SHOWN_MAX ? CHOICES_SHOWN_MAX : count;
    for (size_t i = 0; i < shown; i++) {
        if (i > 0) {
            buffer_string(&out, i + 1 == count ? " or " : ", ");
        }
        append_choice(&out, json_array_get(choices, i), arena);
    }
    if (shown < count) {
        buffer_format(&out, " or one of %zu others", count - shown);
    }
    return arena_string(arena, buffer_view(&out));
}

static const struct {
    SchemaType type;
    const char *word;    /* in a sentence */
    const char *problem; /* pydantic's type of problem */
} TYPES[] = {
    {TYPE_STRING, "string", "string_type"}, {TYPE_INTEGER, "integer", "int_type"},
    {TYPE_NUMBER, "number", "float_type"},  {TYPE_BOOLEAN, "boolean", "bool_type"},
    {TYPE_OBJECT, "object", "dict_type"},   {TYPE_ARRAY, "array", "list_type"},
    {TYPE_NULL, "null", "none_required"},
};

/* "string or null" */
static const char *types_text(unsigned types, Arena *arena)
{
    AUTO_BUFFER out;
    buffer_init(&out, TEXT_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(TYPES); i++) {
        if ((types & (unsigned)TYPES[i].type) != 0) {
            types &= ~(unsigned)TYPES[i].type;
            buffer_string(&out, out.length == 0 ? "" : types == 0 ? " or " : ", ");
            buffer_string(&out, TYPES[i].word);
        }
    }
    return arena_string(arena, buffer_view(&out));
}

void report_type(Findings *findings, const Spot *spot, unsigned types)
{
    Finding finding = {.type = "none_required"};
    for (size_t i = 0; i < ARRAY_COUNT(TYPES); i++) {
        if ((types & (unsigned)TYPES[i].type) != 0) {
            finding.type = TYPES[i].problem;
            break;
        }
    }
    if (findings->top == spot) {
        findings->type_count++;
    }
    bool is_fraction = finding.type[0] == 'i' && json_is_real(spot->value);
    if (is_fraction) {
        finding.type = "int_from_float";
    }
    findings_add(findings, spot, &finding, "Input should be %s%s%s",
                 types == TYPE_NULL ? "" : "a valid ",
                 findings_are_kept(findings) ? types_text(types, findings->out->arena) : "",
                 is_fraction ? ", not a number with a fraction" : "");
}

static void keep_path(SchemaProblem *problem, const Spot *spot, Arena *arena)
{
    size_t length = 0;
    for (const Spot *one = spot; one->parent != NULL; one = one->parent) {
        length++;
    }
    SchemaSegment *path = arena_alloc(arena, length * sizeof *path);
    problem->path = path;
    problem->path_length = length;
    for (const Spot *one = spot; one->parent != NULL; one = one->parent) {
        const char *key = one->key == NULL ? NULL : arena_string(arena, text_of(one->key));
        path[--length] = (SchemaSegment){.key = key, .index = one->index};
    }
}

static const char *keep_context(const Finding *finding, Arena *arena)
{
    if (finding->rule == NULL) {
        return NULL;
    }
    AUTO_BUFFER out;
    buffer_init(&out, RULE_BYTES_SHOWN_MAX);
    JsonWriter writer;
    writer_init(&writer, &out);
    writer_begin_object(&writer);
    writer_key(&writer, finding->rule);
    if (json_is_number(finding->rule_value)) {
        writer_raw(&writer, text_of(number_text(finding->rule_value, arena)));
    } else if (finding->rule_value != NULL) {
        AUTO_FREE char *json = document_to_string(finding->rule_value);
        writer_raw(&writer, text_of(json));
    } else {
        writer_string(&writer, finding->rule_text);
    }
    writer_end_object(&writer);
    return out.overflow ? NULL : arena_string(arena, buffer_view(&out));
}

void findings_add(
    Findings *findings, const Spot *spot, const Finding *finding, const char *format, ...)
{
    findings->count++;
    if (!findings_are_kept(findings)) {
        return;
    }
    Arena *arena = findings->out->arena;
    char message[TEXT_BYTES_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    bool whole = length >= 0 && (size_t)length < sizeof message;
    SchemaProblem *problem = &findings->out->items[findings->out->count++];
    *problem = (SchemaProblem){
        .type = finding->type,
        .message = whole ? arena_string(arena, text_of(message)) : "Input is not as it should be",
        .context = keep_context(finding, arena),
        .value = spot->value,
    };
    keep_path(problem, spot, arena);
}
