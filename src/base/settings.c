/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from the environment; see settings.h. */
#include "base/settings.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/parse.h"

enum { SECRET_BYTES_MAX = 65536, REPORT_BYTES_MAX = ERROR_MESSAGE_BYTES };

/* The value of NAME, or the content of the file that NAME_FILE names; NULL when neither is set. */
static bool read_value(const Setting *setting, char **value_out, Error *error)
{
    const char *value = getenv(setting->name); /* tidy: allow this is the settings table */
    if (value != NULL || setting->type != SETTING_SECRET) {
        const char *given = value != NULL ? value : setting->fallback;
        *value_out = given == NULL ? NULL : alloc_string(given);
        return true;
    }
    AUTO_FREE char *file_name = alloc_format("%s_FILE", setting->name);
    const char *path = getenv(file_name); /* tidy: allow this is the settings table */
    if (path == NULL) {
        *value_out = setting->fallback == NULL ? NULL : alloc_string(setting->fallback);
        return true;
    }
    size_t length = 0;
    AUTO_FREE char *content = NULL;
    if (!file_read(path, SECRET_BYTES_MAX, &content, &length, error)) {
        return error_context(error, "%s", file_name);
    }
    *value_out = text_to_string(text_trim((Text){content, length}));
    return true;
}

static bool set_field(const Setting *setting, char *value, char *field, Error *error)
{
    if (setting->type != SETTING_UINT) {
        *(char **)(void *)field = value;
        return true;
    }
    int64_t number = 0;
    bool parsed = parse_int64(text_of(value), 0, INT_MAX, &number);
    alloc_free(value);
    if (!parsed) {
        return error_set(error, ERROR_INVALID, "%s must be a whole number", setting->name);
    }
    *(unsigned *)(void *)field = (unsigned)number;
    return true;
}

static bool read_one(const Setting *setting, char *settings, Error *error)
{
    char *value = NULL;
    if (!read_value(setting, &value, error)) {
        return false;
    }
    if (value == NULL) {
        return error_set(error, ERROR_INVALID, "%s is not set", setting->name);
    }
    return set_field(setting, value, settings + setting->offset, error);
}

bool settings_read(const Setting *table, size_t count, void *settings_out, Error *error)
{
    AUTO_BUFFER report;
    buffer_init(&report, REPORT_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        Error one = {0};
        if (!read_one(&table[i], settings_out, &one)) {
            buffer_format(&report, "%s%s", report.length > 0 ? "; " : "", one.message);
        }
    }
    if (report.length > 0) {
        settings_clear(table, count, settings_out);
        return error_set(error, ERROR_INVALID, "%s", buffer_to_string(&report));
    }
    return true;
}

void settings_print(const Setting *table, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        const char *fallback = table[i].fallback;
        if (!string_is_given(fallback)) {
            fallback = fallback == NULL ? "none, must be set" : "empty";
        }
        fprintf(out, "%-36s %s\n%-36s default: %s%s\n", table[i].name, table[i].help, "", fallback,
                table[i].type == SETTING_SECRET ? " (or NAME_FILE)" : "");
    }
}

void settings_clear(const Setting *table, size_t count, void *settings)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].type != SETTING_UINT) {
            char **field = (char **)(void *)((char *)settings + table[i].offset);
            alloc_free(*field);
            *field = NULL;
        }
    }
}
