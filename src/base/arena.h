/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory for one request or one step of a job. Everything taken from it is freed
 * together at the end, or back to a mark, and never one by one.
 */
#pragma once
#include <stddef.h>

#include "base/attributes.h"
#include "base/text.h"

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
    ArenaBlock *newest;
} Arena;

void arena_init(Arena *arena);
void arena_clear(Arena *arena);
/* As arena_clear, but keeps one block, so that the next request starts without an allocation. */
void arena_reset(Arena *arena);
#define AUTO_ARENA CLEANUP(arena_clear) Arena

/* A place in an arena. What is taken behind it can be given back before the rest. */
typedef struct ArenaMark {
    ArenaBlock *newest;
    size_t used;
} ArenaMark;

ArenaMark arena_mark(const Arena *arena);
void arena_rewind(Arena *arena, ArenaMark mark);

/* Zeroed memory, aligned for any type, valid until arena_clear. */
MUST_CHECK void *arena_alloc(Arena *arena, size_t bytes);
/* A copy with a NUL behind it. */
MUST_CHECK char *arena_string(Arena *arena, Text text);
MUST_CHECK char *arena_format(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
