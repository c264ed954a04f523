/* SPDX-License-Identifier: Apache-2.0 */
/* Walks of a key's folders inside the store, one segment at a time and never through a link. */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

/* ERROR_UNAVAILABLE for what the store's disk or this process may have got over when it is tried
 * again: it is full, fails, lets nobody in; else ERROR_INTERNAL. */
ErrorCode disk_error_code(int number);

/* Where a key's file stands: its folder, opened, and its name there (inside the key's string). */
typedef struct KeyPlace {
    int folder_fd;
    const char *name;
} KeyPlace;

void key_place_clear(KeyPlace *place);
#define AUTO_KEY_PLACE CLEANUP(key_place_clear) KeyPlace
#define KEY_PLACE_NONE ((KeyPlace){.folder_fd = -1})

/* Opens the folder of a valid key below `root_fd`; `create` makes the missing folders. */
MUST_CHECK bool
key_place_open(int root_fd, const char *object_key, bool create, KeyPlace *place_out, Error *error);

/* Removes what `name` in the folder is: a file, a link, or a whole tree. Missing is fine. */
MUST_CHECK bool tree_remove(int folder_fd, const char *name, Error *error);
