/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of runs, every pair, and the output that follows from the counts. */
#include "unit_test.h"

#include "runs/run.h"

static void every_pair_of_states_is_decided(void **state)
{
    (void)state;
    static const bool EXPECTED[3][3] = {
        /* to PENDING, PROCESSING, TERMINATED */
        {false, true, true},
        {true, false, true},
        {false, false, false},
    };
    assert_int_equal(RUN_STATE_COUNT, 3);
    for (int from = 0; from < 3; from++) {
        for (int to = 0; to < 3; to++) {
            assert_int_equal(run_may_become((RunState)from, (RunState)to), EXPECTED[from][to]);
        }
    }
    assert_string_equal(run_state_name(RUN_PROCESSING), "PROCESSING");
}

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
        cmocka_unit_test(every_pair_of_states_is_decided),
        cmocka_unit_test(output_counts_the_succeeded_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
