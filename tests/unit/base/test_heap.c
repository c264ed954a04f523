/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: members leave in their order, and any of them can be taken out. */
#include "base/heap.h"

#include "unit_test.h"

typedef struct Number {
    int value;
    HeapPlace place;
} Number;

static bool smaller(const void *a, const void *b)
{
    return ((const Number *)a)->value < ((const Number *)b)->value;
}

static void an_empty_heap_has_no_first(void **state)
{
    (void)state;
    Heap heap;
    heap_init(&heap, smaller, offsetof(Number, place));
    assert_null(heap_first(&heap));
    heap_clear(&heap);
}

/* All 5,040 orders of seven numbers, two of them equal. */
static void members_leave_in_their_order(void **state)
{
    (void)state;
    enum { COUNT = 7, ORDERS = 5040 };
    static const int SORTED[COUNT] = {1, 2, 3, 3, 5, 8, 13};
    for (int order = 0; order < ORDERS; order++) {
        Heap heap;
        heap_init(&heap, smaller, offsetof(Number, place));
        Number numbers[COUNT] = {{0}};
        int left[COUNT] = {1, 2, 3, 3, 5, 8, 13};
        for (int i = 0, code = order; i < COUNT; code /= COUNT - i, i++) {
            int chosen = code % (COUNT - i);
            numbers[i].value = left[chosen];
            left[chosen] = left[COUNT - 1 - i];
            heap_push(&heap, &numbers[i]);
        }
        for (int i = 0; i < COUNT; i++) {
            Number *first = heap_first(&heap);
            assert_int_equal(first->value, SORTED[i]);
            heap_remove(&heap, first);
            assert_int_equal(first->place, 0);
        }
        assert_null(heap_first(&heap));
        heap_clear(&heap);
    }
}

static void any_member_can_be_taken_out(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    for (int gone = 0; gone < COUNT; gone++) {
        Heap heap;
        heap_init(&heap, smaller, offsetof(Number, place));
        Number numbers[COUNT] = {{0}};
        for (int i = 0; i < COUNT; i++) {
            numbers[i].value = i * 7 % COUNT;
            heap_push(&heap, &numbers[i]);
        }
        heap_remove(&heap, &numbers[gone]);
        for (int expected = 0; expected < COUNT; expected++) {
            if (expected != numbers[gone].value) {
                Number *first = heap_first(&heap);
                assert_int_equal(first->value, expected);
                heap_remove(&heap, first);
            }
        }
        assert_null(heap_first(&heap));
        heap_clear(&heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_has_no_first),
        cmocka_unit_test(members_leave_in_their_order),
        cmocka_unit_test(any_member_can_be_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
