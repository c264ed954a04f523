/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of names; see objectstore.h. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "objectstore/names.h"

/* A folder may hold millions: no more than twice the wanted names are held, and those that come
 * last among them are dropped when they are full. */
enum { HELD_MAX = 2 * OBJECT_NAMES_MAX };

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_last_ones(ObjectNames *names)
{
    qsort(names->names, names->count, sizeof *names->names, compare_names);
    while (names->count > OBJECT_NAMES_MAX) {
        alloc_free(names->names[--names->count]);
    }
}

void object_names_clear(ObjectNames *names)
{
    for (size_t i = 0; i < names->count; i++) {
        alloc_free(names->names[i]);
    }
    alloc_free(names->names);
    alloc_free(names->cursor);
    *names = (ObjectNames){.names = NULL};
}

void names_read(DIR *folder, const char *after, ObjectNames *names_out)
{
    ObjectNames names = {.names = alloc_zeroed(HELD_MAX, sizeof(char *))};
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, after) <= 0) {
            continue;
        }
        if (names.count == HELD_MAX) {
            drop_last_ones(&names);
        }
        names.names[names.count++] = alloc_string(entry->d_name);
    }
    drop_last_ones(&names);
    if (names.count == OBJECT_NAMES_MAX) {
        names.cursor = alloc_string(names.names[names.count - 1]);
    }
    *names_out = names;
}
