/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays as PostgreSQL reads them. */
#include "db/array.h"
#include "unit_test.h"

static void elements_are_quoted_and_escaped(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_ARRAY array;
    array_init(&array, 1000);
    array_add_string(&array, "plain");
    array_add_string(&array, "");
    array_add_string(&array, NULL);
    array_add_string(&array, "NULL");
    array_add_string(&array, "a\"b\\c,{}\n\xc3\xa4");
    array_add_number(&array, -7);
    assert_string_equal(array_take(&array, &arena),
                        "{\"plain\",\"\",NULL,\"NULL\",\"a\\\"b\\\\c,{}\n\xc3\xa4\",-7}");
}

static void array_without_elements_is_empty(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_ARRAY array;
    array_init(&array, 1000);
    assert_string_equal(array_take(&array, &arena), "{}");
    array_add_string(&array, "again");
    assert_string_equal(array_take(&array, &arena), "{\"again\"}");
}

static void array_past_its_maximum_is_refused(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_ARRAY array;
    array_init(&array, 9);
    array_add_string(&array, "12345");
    assert_string_equal(array_take(&array, &arena), "{\"12345\"}");
    array_add_string(&array, "123456");
    assert_null(array_take(&array, &arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_quoted_and_escaped),
        cmocka_unit_test(array_without_elements_is_empty),
        cmocka_unit_test(array_past_its_maximum_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
