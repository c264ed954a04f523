/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap; see heap.h. */
#include "base/heap.h"

#include <assert.h>

#include "base/alloc.h"

enum { CAPACITY_FIRST = 4 };

static HeapPlace *place_of(const Heap *heap, void *member)
{
    return (HeapPlace *)(void *)((char *)member + heap->place_offset);
}

static void put(Heap *heap, HeapPlace place, void *member)
{
    heap->members[place - 1] = member;
    *place_of(heap, member) = place;
}

/* Moves the gap at `place` towards the root until `member` may stand in it. */
static void sift_up(Heap *heap, HeapPlace place, void *member)
{
    while (place > 1 && heap->before(member, heap->members[place / 2 - 1])) {
        put(heap, place, heap->members[place / 2 - 1]);
        place /= 2;
    }
    put(heap, place, member);
}

/* Moves the gap at `place` towards the leaves until `member` may stand in it. */
static void sift_down(Heap *heap, HeapPlace place, void *member)
{
    while (place * 2 <= heap->count) {
        HeapPlace child = place * 2;
        if (child < heap->count && heap->before(heap->members[child], heap->members[child - 1])) {
            child++;
        }
        if (!heap->before(heap->members[child - 1], member)) {
            break;
        }
        put(heap, place, heap->members[child - 1]);
        place = child;
    }
    put(heap, place, member);
}

void heap_init(Heap *heap, HeapBefore *before, size_t place_offset)
{
    *heap = (Heap){.before = before, .place_offset = place_offset};
}

void heap_clear(Heap *heap)
{
    alloc_free(heap->members);
    heap->members = NULL;
    heap->count = heap->capacity = 0;
}

void *heap_first(const Heap *heap)
{
    return heap->count == 0 ? NULL : heap->members[0];
}

void heap_push(Heap *heap, void *member)
{
    assert(*place_of(heap, member) == 0);
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? CAPACITY_FIRST : heap->capacity * 2;
        heap->members = alloc_resize(heap->members, heap->capacity, sizeof *heap->members);
    }
    heap->count++;
    sift_up(heap, heap->count, member);
}

void heap_remove(Heap *heap, void *member)
{
    HeapPlace place = *place_of(heap, member);
    assert(place > 0 && place <= heap->count && heap->members[place - 1] == member);
    *place_of(heap, member) = 0;
    void *last = heap->members[heap->count - 1];
    heap->count--;
    if (last == member) {
        return;
    }
    if (place > 1 && heap->before(last, heap->members[place / 2 - 1])) {
        sift_up(heap, place, last);
    } else {
        sift_down(heap, place, last);
    }
}
