/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that never fail; see alloc.h. The only file that calls malloc and its like. */
#include "base/alloc.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LARGE_BLOCK_BYTES = 256 * 1024 };

static void *must(void *block)
{
    if (block == NULL) {
        fputs("out of memory\n", stderr); /* tidy: allow the log itself needs memory */
        abort();
    }
    return block;
}

void *alloc_array(size_t count, size_t size)
{
    return alloc_resize(NULL, count, size);
}

void *alloc_zeroed(size_t count, size_t size)
{
    return must(calloc(count > 0 ? count : 1, size > 0 ? size : 1)); /* tidy: allow alloc */
}

void *alloc_resize(void *block, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        abort();
    }
    return must(realloc(block, bytes > 0 ? bytes : 1)); /* tidy: allow alloc */
}

char *alloc_string(const char *string)
{
    return must(strdup(string)); /* tidy: allow alloc */
}

char *alloc_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return must(length < 0 ? NULL : text);
}

void alloc_free(void *block)
{
    free(block); /* tidy: allow alloc */
}

void alloc_return_large_blocks(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
}
