/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers grow to their maximum and not a byte further. */
#include "unit_test.h"

#include "base/alloc.h"
#include "base/buffer.h"

static void bytes_up_to_the_maximum_are_kept(void **state)
{
    (void)state;
    AUTO_BUFFER buffer;
    buffer_init(&buffer, 1000);
    for (int i = 0; i < 100; i++) {
        buffer_format(&buffer, "%010d", i);
    }
    assert_int_equal(buffer.length, 1000);
    assert_false(buffer.overflow);
    assert_memory_equal(buffer.bytes + 990, "0000000099", 10);
}

static void one_byte_too_many_sets_overflow_and_keeps_the_rest(void **state)
{
    (void)state;
    AUTO_BUFFER buffer;
    buffer_init(&buffer, 3);
    buffer_string(&buffer, "abc");
    buffer_byte(&buffer, 'd');
    assert_true(buffer.overflow);
    assert_string_equal(buffer_to_string(&buffer), "abc");
    buffer_reset(&buffer);
    buffer_string(&buffer, "x");
    assert_false(buffer.overflow);
    assert_string_equal(buffer_to_string(&buffer), "x");
}

static void what_is_formatted_stands_whole_or_not_at_all(void **state)
{
    (void)state;
    AUTO_BUFFER buffer;
    buffer_init(&buffer, 300);
    buffer_format(&buffer, "%s-%d", "abc", 1); /* the first memory is made for it */
    buffer_format(&buffer, "%0249d|", 7);      /* just fits, with its end, into 256 bytes */
    buffer_format(&buffer, "%s", "longer than what is left there");
    assert_int_equal(buffer.length, 285);
    assert_memory_equal(buffer.bytes, "abc-1000", 8);
    assert_memory_equal(buffer.bytes + 253, "7|longer than what is left there", 32);
    buffer_format(&buffer, "%s", "sixteen letters!");
    assert_true(buffer.overflow);
    assert_int_equal(strlen(buffer_to_string(&buffer)), 285);
    assert_string_equal(buffer.bytes + 280, "there");
}

static void taking_leaves_an_empty_buffer(void **state)
{
    (void)state;
    AUTO_BUFFER buffer;
    buffer_init(&buffer, 10);
    buffer_string(&buffer, "taken");
    size_t length = 0;
    AUTO_FREE char *taken = buffer_take(&buffer, &length);
    assert_string_equal(taken, "taken");
    assert_int_equal(length, 5);
    assert_int_equal(buffer.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_up_to_the_maximum_are_kept),
        cmocka_unit_test(one_byte_too_many_sets_overflow_and_keeps_the_rest),
        cmocka_unit_test(what_is_formatted_stands_whole_or_not_at_all),
        cmocka_unit_test(taking_leaves_an_empty_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
