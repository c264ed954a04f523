/* SPDX-License-Identifier: Apache-2.0 */
/* The measure of a scratch folder: what counts, what does not, and where it gives up. */
#include "unit_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "sandbox/scratch.h"

enum { NAME_BYTES = 1024, FOLDER_BYTES_MAX = 65536 };

static char root[] = "/tmp/slideway-scratch-XXXXXX";

static int make_root(void **state)
{
    (void)state;
    Error error = {0};
    static bool first = true;
    if (!first) {
        return folder_remove(root, &error) && mkdir(root, 0700) == 0 ? 0 : 1;
    }
    first = false;
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    (void)state;
    Error error = {0};
    return folder_remove(root, &error) ? 0 : 1;
}

static void write_bytes(const char *name, size_t bytes)
{
    AUTO_FREE char *path = alloc_format("%s/%s", root, name);
    AUTO_FREE char *content = alloc_zeroed(bytes, 1);
    Error error = {0};
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && fd_write_all(fd, content, bytes, &error));
}

static void empty_scratch_costs_its_two_folders(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(scratch_prepare(root, 0, &error));
    assert_in_range(scratch_measure(root), 2 * NAME_BYTES, FOLDER_BYTES_MAX);
}

static void files_count_wherever_they_lie_but_inputs_do_not(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(scratch_prepare(root, 0, &error));
    int64_t empty = scratch_measure(root);
    AUTO_FREE char *input = alloc_format("%s/input", root);
    AUTO_FREE char *deep = alloc_format("%s/output/input", root);
    assert_true(folder_create(input, 0700, &error) && folder_create(deep, 0700, &error));
    write_bytes("input/0.bin", 4 << 20);
    write_bytes("input.json", 1 << 20);
    assert_in_range(scratch_measure(root), empty, empty + FOLDER_BYTES_MAX);
    write_bytes("output/input/x", 3 << 20);
    write_bytes("tmp/y", 2 << 20);
    write_bytes("other", 1 << 20);
    assert_in_range(scratch_measure(root), empty + (6 << 20), empty + (6 << 20) + FOLDER_BYTES_MAX);
}

static void hole_in_a_file_counts_by_its_size(void **state)
{
    (void)state;
    write_bytes("sparse", 1);
    AUTO_FREE char *path = alloc_format("%s/sparse", root);
    assert_int_equal(truncate(path, 1LL << 40), 0);
    assert_true(scratch_measure(root) >= 1LL << 40);
}

static void link_counts_as_a_name(void **state)
{
    (void)state;
    AUTO_FREE char *path = alloc_format("%s/link", root);
    assert_int_equal(symlink("/usr", path), 0);
    assert_in_range(scratch_measure(root), NAME_BYTES, FOLDER_BYTES_MAX);
}

static void endless_depth_is_too_much(void **state)
{
    (void)state;
    AUTO_FD at = open(root, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(mkdirat(at, "d", 0700), 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
    }
    assert_true(scratch_measure(root) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(empty_scratch_costs_its_two_folders, make_root,
                                        remove_root),
        cmocka_unit_test_setup(files_count_wherever_they_lie_but_inputs_do_not, make_root),
        cmocka_unit_test_setup(hole_in_a_file_counts_by_its_size, make_root),
        cmocka_unit_test_setup(link_counts_as_a_name, make_root),
        cmocka_unit_test_setup_teardown(endless_depth_is_too_much, make_root, remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
