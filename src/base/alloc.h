/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: allocations that never fail. Every size here is bounded by base/limits.h or by the size
 * of a tile, so running out of memory is a bug or a machine far too small: the process aborts.
 */
#pragma once
#include <stddef.h>

#include "base/attributes.h"

/* Uninitialised memory of count * size bytes; release with free or AUTO_FREE. */
MUST_CHECK void *alloc_array(size_t count, size_t size);
/* As alloc_array, filled with zeros. */
MUST_CHECK void *alloc_zeroed(size_t count, size_t size);
/* Changes the size of a block from alloc_array; `block` may be NULL. */
MUST_CHECK void *alloc_resize(void *block, size_t count, size_t size);
/* A copy of a string. */
MUST_CHECK char *alloc_string(const char *string);
/* A formatted string. */
MUST_CHECK char *alloc_format(const char *format, ...) PRINTF_LIKE(1, 2);
/* Releases what alloc_* gave; NULL is allowed. */
void alloc_free(void *block);
/* From now on the pages of a large block go back to the system when it is freed. Otherwise the C
 * library raises its own limit with each large block that is freed, up to 32 MiB, and keeps what is
 * smaller in heaps full of holes. To be called at the start of a program that runs for long. */
void alloc_return_large_blocks(void);

#define ALLOC_NEW(type) ((type *)alloc_zeroed(1, sizeof(type)))
