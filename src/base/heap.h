/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap of pointers whose members know their place in it, so that any of them can be taken
 * out in O(log n). A member has a field of type HeapPlace, which is zero while it is in no heap.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Counted from 1; 0: in no heap. */
typedef size_t HeapPlace;
/* Whether `a` comes before `b`; a strict order. */
typedef bool HeapBefore(const void *a, const void *b);

typedef struct Heap {
    void **members;
    size_t count;
    size_t capacity;
    HeapBefore *before;
    size_t place_offset; /* of the member's HeapPlace */
} Heap;

/* Takes no memory until the first push. */
void heap_init(Heap *heap, HeapBefore *before, size_t place_offset);
/* Releases the heap's own memory, not its members. */
void heap_clear(Heap *heap);
/* The member that comes before all others; NULL when there is none. */
void *heap_first(const Heap *heap);
void heap_push(Heap *heap, void *member);
/* The member must be in this heap. */
void heap_remove(Heap *heap, void *member);
