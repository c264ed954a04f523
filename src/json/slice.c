/* SPDX-License-Identifier: Apache-2.0 */
/* Slices of valid JSON text; see slice.h. */
#include "json/slice.h"

#include "base/limits.h"
#include "base/parse.h"

/* Whether the text begins with one of these characters. NUL is none of them, as strchr would have
 * it. */
static bool begins_with_one_of(Text json, Text characters)
{
    return json.length > 0 && memchr(characters.bytes, json.bytes[0], characters.length) != NULL;
}

Text slice_skip_space(Text json)
{
    while (begins_with_one_of(json, TEXT(" \t\r\n"))) {
        json = text_from(json, 1);
    }
    return json;
}

static size_t string_length(Text json)
{
    size_t i = 1;
    while (i < json.length && json.bytes[i] != '"') {
        i += json.bytes[i] == '\\' ? 2 : 1;
    }
    return i + 1;
}

/* A number or a word: up to what can stand behind it. */
static size_t scalar_length(Text json)
{
    size_t length = 0;
    while (length < json.length &&
           !begins_with_one_of(text_from(json, length), TEXT(",]} \t\r\n"))) {
        length++;
    }
    return length;
}

/* An array or an object: up to the bracket that closes it. */
static size_t container_length(Text json)
{
    int depth = 0;
    size_t i = 0;
    while (i < json.length) {
        char c = json.bytes[i];
        i += c == '"' ? string_length(text_from(json, i)) : 1;
        depth += c == '{' || c == '[' ? 1 : 0;
        depth -= c == '}' || c == ']' ? 1 : 0;
        if (depth == 0) {
            return i;
        }
    }
    return json.length;
}

/* The length of the value at the front of `json`. */
static size_t value_length(Text json)
{
    if (json.length == 0) {
        return 0;
    }
    switch (json.bytes[0]) {
    case '"':
        return string_length(json);
    case '{':
    case '[':
        return container_length(json);
    default:
        return scalar_length(json);
    }
}

Text slice_take(Text *rest)
{
    size_t length = value_length(*rest);
    Text value = {rest->bytes, length < rest->length ? length : rest->length};
    *rest = slice_skip_space(text_from(*rest, length));
    return value;
}

/* Enters the container or passes a comma; false at its end. */
static bool next(Text *rest)
{
    *rest = slice_skip_space(*rest);
    if (!begins_with_one_of(*rest, TEXT("[{,"))) {
        return false;
    }
    *rest = slice_skip_space(text_from(*rest, 1));
    return rest->length > 0 && rest->bytes[0] != ']' && rest->bytes[0] != '}';
}

Text slice_member(Text json, const char *key)
{
    Text rest = json;
    while (next(&rest)) {
        Text name = slice_take(&rest);
        rest = slice_skip_space(text_from(rest, 1)); /* the colon */
        Text value = slice_take(&rest);
        if (name.length >= 2 && text_is((Text){name.bytes + 1, name.length - 2}, key)) {
            return value;
        }
    }
    return (Text){NULL, 0};
}

bool slice_next_element(Text *rest, Text *element_out)
{
    if (!next(rest)) {
        return false;
    }
    *element_out = slice_take(rest);
    return true;
}

size_t slice_value_count(Text json)
{
    size_t count = 1;
    for (size_t i = 0; i < json.length;) {
        char c = json.bytes[i];
        /* Each opening bracket and each comma stands in front of one more value. */
        count += c == '[' || c == '{' || c == ',' ? 1 : 0;
        i += c == '"' ? string_length(text_from(json, i)) : 1;
    }
    return count;
}

static bool number_fits(Text number)
{
    int64_t decimals = 0;
    bool behind_point = false;
    size_t i = 0;
    for (; i < number.length && number.bytes[i] != 'e' && number.bytes[i] != 'E'; i++) {
        decimals += behind_point ? 1 : 0;
        behind_point = behind_point || number.bytes[i] == '.';
    }
    Text exponent = text_from(number, i + 1);
    bool is_negative = begins_with_one_of(exponent, TEXT("-"));
    int64_t size = 0;
    if (begins_with_one_of(exponent, TEXT("+-"))) {
        exponent = text_from(exponent, 1);
    }
    if (exponent.length > 0 && !parse_int64(exponent, 0, NUMBER_EXPONENT_MAX, &size)) {
        return false;
    }
    return decimals + (is_negative ? size : -size) <= NUMBER_DECIMALS_MAX;
}

bool slice_numbers_fit(Text json)
{
    for (size_t i = 0; i < json.length;) {
        char c = json.bytes[i];
        if (c >= '0' && c <= '9') {
            Text number = text_from(json, i);
            number.length = scalar_length(number);
            if (!number_fits(number)) {
                return false;
            }
            i += number.length;
        } else {
            i += c == '"' ? string_length(text_from(json, i)) : 1;
        }
    }
    return true;
}
