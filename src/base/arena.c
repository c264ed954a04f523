/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed together; see arena.h. */
#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { BLOCK_BYTES = 8192, ALIGNMENT = 16 };

struct ArenaBlock {
    ArenaBlock *older;
    size_t used;
    size_t capacity;
    _Alignas(ALIGNMENT) char bytes[];
};

void arena_init(Arena *arena)
{
    arena->newest = NULL;
}

void arena_clear(Arena *arena)
{
    while (arena->newest != NULL) {
        ArenaBlock *older = arena->newest->older;
        alloc_free(arena->newest);
        arena->newest = older;
    }
}

void arena_reset(Arena *arena)
{
    while (arena->newest != NULL &&
           (arena->newest->older != NULL || arena->newest->capacity > BLOCK_BYTES)) {
        ArenaBlock *older = arena->newest->older;
        alloc_free(arena->newest);
        arena->newest = older;
    }
    if (arena->newest != NULL) {
        arena->newest->used = 0;
    }
}

ArenaMark arena_mark(const Arena *arena)
{
    return (ArenaMark){arena->newest, arena->newest == NULL ? 0 : arena->newest->used};
}

void arena_rewind(Arena *arena, ArenaMark mark)
{
    while (arena->newest != mark.newest) {
        ArenaBlock *older = arena->newest->older;
        alloc_free(arena->newest);
        arena->newest = older;
    }
    if (arena->newest != NULL) {
        arena->newest->used = mark.used;
    }
}

void *arena_alloc(Arena *arena, size_t bytes)
{
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ArenaBlock *block = arena->newest;
    if (block == NULL || block->capacity - block->used < bytes) {
        size_t capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        block = alloc_array(1, sizeof(ArenaBlock) + capacity);
        block->older = arena->newest;
        block->used = 0;
        block->capacity = capacity;
        arena->newest = block;
    }
    void *place = block->bytes + block->used;
    block->used += bytes;
    memset(place, 0, bytes);
    return place;
}

char *arena_string(Arena *arena, Text text)
{
    char *string = arena_alloc(arena, text.length + 1);
    if (text.length > 0) {
        memcpy(string, text.bytes, text.length);
    }
    return string;
}

char *arena_format(Arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        abort();
    }
    char *string = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(string, (size_t)length + 1, format, again);
    va_end(again);
    return string;
}
