/* SPDX-License-Identifier: Apache-2.0 */
/* Names of downloaded files; see artifact_paths.h. */
#include "cli/artifact_paths.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* Room for what is added below the 255 bytes of a file name. */
enum { NAME_BYTES_MAX = 160, ID_END_BYTES = 12 };

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

/* Only plain bytes, not hidden, not too long. */
static char *plain_name(const char *name)
{
    size_t length = strnlen(name, NAME_BYTES_MAX);
    char *plain = text_to_string((Text){name, length});
    for (char *c = plain; *c != '\0'; c++) {
        *c = is_plain(*c) ? *c : '_';
    }
    if (plain[0] == '.') {
        plain[0] = '_';
    }
    return plain;
}

char *item_folder_name(const char *external_id, const char *item_id)
{
    AUTO_FREE char *plain = plain_name(external_id);
    if (plain[0] != '\0' && strcmp(plain, external_id) == 0) {
        return TAKE(plain);
    }
    AUTO_FREE char *id = plain_name(item_id);
    size_t length = strlen(id);
    const char *id_end = length > ID_END_BYTES ? id + length - ID_END_BYTES : id;
    return alloc_format("%s~%s", plain, id_end);
}

static const char *file_ending(const char *media_type)
{
    static const struct {
        const char *media_type;
        const char *ending;
    } ENDINGS[] = {
        {"image/tiff", ".tiff"},
        {"image/png", ".png"},
        {"application/geo+json", ".json"},
        {"application/json", ".json"},
        {"text/csv", ".csv"},
        {"text/plain", ".txt"},
        {"text/html", ".html"},
        {"application/pdf", ".pdf"},
        {"application/zip", ".zip"},
        {"application/vnd.apache.parquet", ".parquet"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ENDINGS) && media_type != NULL; i++) {
        if (strcmp(media_type, ENDINGS[i].media_type) == 0) {
            return ENDINGS[i].ending;
        }
    }
    return ".bin";
}

char *
artifact_file_name(const char *name, const char *media_type, char *const *taken, size_t taken_count)
{
    const char *ending = file_ending(media_type);
    AUTO_FREE char *plain = plain_name(name[0] == '\0' ? "artifact" : name);
    if (text_ends_with(text_of(plain), ending) && strlen(plain) > strlen(ending)) {
        plain[strlen(plain) - strlen(ending)] = '\0';
    }
    AUTO_FREE char *file = alloc_format("%s%s", plain, ending);
    for (size_t i = 0; i < taken_count; i++) {
        if (strcmp(taken[i], file) == 0) {
            return alloc_format("%s~%zu%s", plain, taken_count + 1, ending);
        }
    }
    return TAKE(file);
}
