/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of /proc that the watch reads. */
#include "unit_test.h"

#include <unistd.h>

#include "sandbox/process_tree.h"

static void status_gives_memory(void **state)
{
    (void)state;
    ProcessFacts facts = process_facts_parse(
        TEXT("Name:\tVmRSS: 9 kB\nUmask:\t0022\nVmPeak:\t   99999 kB\nVmHWM:\t    2048 kB\n"
             "VmRSS:\t    1024 kB\nRssShmem:\t       7 kB\nThreads:\t5\nSigQ:\t1/2\n"));
    assert_int_equal(facts.peak_resident_bytes, 2048 * 1024);
    assert_int_equal(facts.resident_bytes, 1024 * 1024);
}

static void status_of_a_dead_process_has_no_memory(void **state)
{
    (void)state;
    ProcessFacts facts = process_facts_parse(TEXT("Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n"));
    assert_int_equal(facts.resident_bytes, 0);
    facts = process_facts_parse(TEXT(""));
    assert_int_equal(facts.peak_resident_bytes, 0);
}

static void rollup_gives_the_proportional_size(void **state)
{
    (void)state;
    assert_int_equal(process_pss_parse(TEXT("55d0-7ffc ---p 00000000 00:00 0    [rollup]\n"
                                            "Rss:                1236 kB\n"
                                            "Pss:                 300 kB\n"
                                            "Pss_Dirty:           100 kB\n")),
                     300 * 1024);
    assert_int_equal(process_pss_parse(TEXT("Rss:  1 kB\n")), -1);
    assert_int_equal(process_pss_parse(TEXT("")), -1);
}

static void our_own_proc_is_no_sandbox(void **state)
{
    (void)state;
    assert_int_equal(process_tree_open(getpid()), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_gives_memory),
        cmocka_unit_test(status_of_a_dead_process_has_no_memory),
        cmocka_unit_test(rollup_gives_the_proportional_size),
        cmocka_unit_test(our_own_proc_is_no_sandbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
