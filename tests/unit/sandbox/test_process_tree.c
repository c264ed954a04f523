/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of /proc that the watch reads. */
#include "unit_test.h"

#include <sys/sysmacros.h>
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

static void mapping_of_a_removed_file_gives_its_extent(void **state)
{
    (void)state;
    ino_t inode = 0;
    int64_t end = 0;
    assert_true(process_mapping_parse(
        TEXT("7f0000001000-7f0000005000 rw-s 00010000 fe:01 4711       /work/output/a b (deleted)"),
        makedev(0xfe, 1), &inode, &end));
    assert_int_equal(inode, 4711);
    assert_int_equal(end, 0x10000 + 0x4000);
}

static void other_mappings_are_left_out(void **state)
{
    (void)state;
    static const char *const LINES[] = {
        "7f0000001000-7f0000005000 rw-s 00010000 fe:01 4711       /work/output/a",
        "7f0000001000-7f0000005000 rw-s 00010000 fe:02 4711       /work/output/a (deleted)",
        "7f0000001000-7f0000005000 rw-s 00010000 00:01 4711       /dev/zero (deleted)",
        "7f0000001000-7f0000005000 rw-p 00000000 00:00 0 ",
        "7ffd3f5a1000-7ffd3f5c2000 rw-p 00000000 00:00 0          [stack]",
        " (deleted)",
        "x-y rw-s 00010000 fe:01 4711 /a (deleted)",
        "7f0000001000 rw-s 00010000 fe:01 4711 /a (deleted)",
        "7f0000001000-7f0000005000 rw-s 00010000 fe01 4711 /a (deleted)",
        "7f0000001000-7f0000005000 rw-s 00010000 fe:01  (deleted)",
        "",
    };
    ino_t inode = 0;
    int64_t end = 0;
    for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
        assert_false(process_mapping_parse(text_of(LINES[i]), makedev(0xfe, 1), &inode, &end));
    }
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
        cmocka_unit_test(mapping_of_a_removed_file_gives_its_extent),
        cmocka_unit_test(other_mappings_are_left_out),
        cmocka_unit_test(our_own_proc_is_no_sandbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
