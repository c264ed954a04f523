/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a run follows from the counts. */
#include "unit_test.h"

#include "runs/run.h"

static void output_counts_the_succeeded_items(void **state)
{
    (void)state;
    assert_string_equal(run_output(0, 3), "NONE");
    assert_string_equal(run_output(1, 3), "PARTIAL");
    assert_string_equal(run_output(3, 3), "FULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_counts_the_succeeded_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
