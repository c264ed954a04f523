/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of any size in a file that has no name: the system writes it out and reads it again as it
 * is used, and what is resident is what was touched since paged_memory_rest. For long arrays that
 * are gone through from front to back.
 */
#pragma once
#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"

/* Opens a file in the folder that is gone when it is closed. */
MUST_CHECK bool scratch_file_open(const char *folder, int *fd_out, Error *error);

typedef struct PagedMemory {
    void *bytes; /* NULL: none */
    size_t size;
} PagedMemory;

/* `size` zeros, 1 or more, for which there is room on the disk. */
MUST_CHECK bool
paged_memory_open(PagedMemory *memory, const char *folder, size_t size, Error *error);
void paged_memory_close(PagedMemory *memory);
/* Lets go of the pages; what they hold stays. Other threads may use the memory meanwhile. */
void paged_memory_rest(const PagedMemory *memory);
