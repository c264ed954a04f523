/* SPDX-License-Identifier: Apache-2.0 */
/* Errors carry a message for the client, a cause for the log, and never overflow. */
#include "unit_test.h"

#include <string.h>

#include "base/error.h"

static void context_stands_before_the_message(void **state)
{
    (void)state;
    Error error = {0};
    assert_false(error_set(&error, ERROR_NOT_FOUND, "no row %d", 17));
    assert_false(error_context(&error, "claim"));
    assert_string_equal(error.message, "claim: no row 17");
    assert_string_equal(error_code_name(error.code), "not_found");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    Error error = {0};
    error_set(&error, ERROR_INVALID, "%s", text);
    error_context(&error, "%s", text);
    assert_int_equal(strlen(error.message), ERROR_MESSAGE_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_stands_before_the_message),
        cmocka_unit_test(a_long_message_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
