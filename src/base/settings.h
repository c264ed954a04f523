/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: one table a program, read from the environment. A secret may be given as NAME_FILE,
 * the path of a file that holds it. All bad settings are reported at once.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/error.h"

typedef enum SettingType { SETTING_STRING, SETTING_UINT, SETTING_SECRET } SettingType;

typedef struct Setting {
    const char *name;     /* of the environment variable, "SLIDEWAY_…" */
    SettingType type;     /* the field is a char * (owned) or an unsigned */
    size_t offset;        /* of the field in the settings struct */
    const char *fallback; /* NULL: it must be given */
    const char *help;
} Setting;

/* Fills the struct at `settings_out` from the environment. */
MUST_CHECK bool settings_read(const Setting *table, size_t count, void *settings_out, Error *error);
/* Prints name, default and meaning of each setting; no values of secrets. */
void settings_print(const Setting *table, size_t count, FILE *out);
/* Frees the strings of the struct. */
void settings_clear(const Setting *table, size_t count, void *settings);
