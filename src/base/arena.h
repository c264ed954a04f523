/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory for one request or one step of a job. Everything taken from it is freed
 * together at the end and never one by one.
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

/* Zeroed memory, aligned for any type, valid until arena_clear. */
MUST_CHECK void *arena_alloc(Arena *arena, size_t bytes);
/* A copy with a NUL behind it. */
MUST_CHECK char *arena_string(Arena *arena, Text text);
MUST_CHECK char *arena_format(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
