/* SPDX-License-Identifier: Apache-2.0 */
/* Reading options; see options.h. */
#include "cli/options.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/text.h"

static const Option *find(const OptionSet *set, Text name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (text_is(name, set->options[i].name)) {
            return &set->options[i];
        }
    }
    return NULL;
}

static bool append(const Option *option, const char *value, OptionList *list, Error *error)
{
    if (list->count == OPTION_LIST_MAX) {
        return error_set(error, ERROR_INVALID, "--%s can be given %d times at most", option->name,
                         OPTION_LIST_MAX);
    }
    list->values[list->count++] = value;
    return true;
}

static bool store(const Option *option, const char *value, char *field, Error *error)
{
    switch (option->type) {
    case OPTION_STRING:
        *(const char **)(void *)field = value;
        return true;
    case OPTION_INTEGER:
        if (!parse_int64(text_of(value), 0, INT64_MAX, (int64_t *)(void *)field)) {
            return error_set(error, ERROR_INVALID, "--%s needs a whole number, not '%s'",
                             option->name, value);
        }
        return true;
    case OPTION_NUMBER:
        if (!parse_double(text_of(value), (double *)(void *)field)) {
            return error_set(error, ERROR_INVALID, "--%s needs a number, not '%s'", option->name,
                             value);
        }
        return true;
    case OPTION_LIST:
        return append(option, value, (OptionList *)(void *)field, error);
    case OPTION_FLAG:
        break;
    }
    return error_set(error, ERROR_INVALID, "--%s takes no value", option->name);
}

/* Reads the option at **cursor and moves the cursor past it. */
static bool parse_one(const OptionSet *sets, size_t set_count, char *const **cursor, Error *error)
{
    Text value = text_of(**cursor + 2);
    Text name = text_split(&value, '=');
    const Option *option = NULL;
    const OptionSet *set = sets;
    for (size_t i = 0; i < set_count && option == NULL; i++) {
        set = &sets[i];
        option = find(set, name);
    }
    if (option == NULL) {
        return error_set(error, ERROR_INVALID, "there is no option --%.*s", TEXT_ARGUMENTS(name));
    }
    char *field = (char *)set->values + option->offset;
    (*cursor)++;
    if (value.bytes != NULL) {
        return store(option, value.bytes, field, error);
    }
    if (option->type == OPTION_FLAG) {
        *(bool *)(void *)field = true;
        return true;
    }
    if (**cursor == NULL) {
        return error_set(error, ERROR_INVALID, "--%s needs a value", option->name);
    }
    return store(option, *(*cursor)++, field, error);
}

bool options_parse(const OptionSet *sets,
                   size_t set_count,
                   char *const *arguments,
                   Operands *operands_out,
                   Error *error)
{
    size_t argument_count = 0;
    while (arguments[argument_count] != NULL) {
        argument_count++;
    }
    AUTO_FREE char **values = alloc_array(argument_count + 1, sizeof(*values));
    int count = 0;
    bool options_ended = false;
    for (char *const *cursor = arguments; *cursor != NULL;) {
        Text argument = text_of(*cursor);
        if (!options_ended && text_is(argument, "--")) {
            options_ended = true;
            cursor++;
        } else if (!options_ended && text_starts_with(argument, "--")) {
            if (!parse_one(sets, set_count, &cursor, error)) {
                return false;
            }
        } else {
            values[count++] = *cursor++;
        }
    }
    values[count] = NULL;
    *operands_out = (Operands){TAKE(values), count};
    return true;
}

void options_print(const OptionSet *set, FILE *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const Option *option = &set->options[i];
        AUTO_FREE char *left = option->value_name == NULL
                                   ? alloc_format("--%s", option->name)
                                   : alloc_format("--%s %s", option->name, option->value_name);
        fprintf(out, "  %-24s %s\n", left, option->help);
    }
}
