/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a command: one table, from which both the command line is read and the help is
 * printed. "--name value" and "--name=value" are the same; "--" ends the options.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/error.h"

typedef enum OptionType {
    OPTION_FLAG,    /* bool */
    OPTION_STRING,  /* const char *, borrowed from the command line */
    OPTION_INTEGER, /* int64_t, not negative */
    OPTION_NUMBER,  /* double */
    OPTION_LIST     /* OptionList: each time that it is given adds a value */
} OptionType;

#define OPTION_LIST_MAX 64

typedef struct OptionList {
    const char *values[OPTION_LIST_MAX]; /* borrowed from the command line */
    int count;
} OptionList;

typedef struct Option {
    const char *name; /* without its dashes */
    OptionType type;
    size_t offset;          /* of the field in the options struct */
    const char *value_name; /* in the help; NULL for a flag */
    const char *help;
} Option;

/* A table of options and the struct they are read into. */
typedef struct OptionSet {
    const Option *options;
    size_t count;
    void *values;
} OptionSet;

/* What stands between the options, in its order. */
typedef struct Operands {
    char **values; /* AUTO_FREE; the strings are borrowed */
    int count;
} Operands;

/* Reads the arguments into the values of the sets; a name is looked for in one set after the
 * other. */
MUST_CHECK bool options_parse(const OptionSet *sets,
                              size_t set_count,
                              char *const *arguments,
                              Operands *operands_out,
                              Error *error);
void options_print(const OptionSet *set, FILE *out);
