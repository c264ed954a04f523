/* SPDX-License-Identifier: Apache-2.0 */
/* Removal of trees that a stranger made: any depth, any mode, and never through a link. */
#include "unit_test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

enum { NAME_BYTES = 200, DEEPER_THAN_A_PATH = 2 * PATH_MAX / NAME_BYTES, NOBODY = 65534 };

static char root[] = "/tmp/slideway-file-XXXXXX";
static char *tree;

static int make_root(void **state)
{
    (void)state;
    if (mkdtemp(root) == NULL || chmod(root, 0777) != 0) {
        return 1;
    }
    tree = alloc_format("%s/tree", root);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    alloc_free(tree);
    return rmdir(root);
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static void put(const char *name)
{
    AUTO_FREE char *path = alloc_format("%s/%s", tree, name);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    assert_true(fd >= 0);
}

static void make(const char *name, mode_t mode)
{
    AUTO_FREE char *path = alloc_format("%s/%s", tree, name);
    assert_int_equal(mkdir(path, mode), 0);
}

static void missing_folder_is_fine(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(folder_remove("/tmp/there is no such folder", &error));
}

static void tree_is_removed_and_its_neighbour_is_not(void **state)
{
    (void)state;
    Error error = {0};
    AUTO_FREE char *neighbour = alloc_format("%s/tree2", root);
    assert_int_equal(mkdir(tree, 0700), 0);
    assert_int_equal(mkdir(neighbour, 0700), 0);
    for (int i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d", i);
        make(name, 0700);
        snprintf(name, sizeof name, "%d/deeper", i);
        make(name, 0700);
        snprintf(name, sizeof name, "%d/deeper/file", i);
        put(name);
    }
    assert_true(folder_remove(tree, &error));
    assert_false(is_there(tree));
    assert_true(is_there(neighbour));
    assert_int_equal(rmdir(neighbour), 0);
}

static void link_is_removed_and_its_target_is_not(void **state)
{
    (void)state;
    Error error = {0};
    AUTO_FREE char *target = alloc_format("%s/target", root);
    AUTO_FREE char *precious = alloc_format("%s/precious", target);
    AUTO_FREE char *link = alloc_format("%s/link", tree);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_true(file_write(precious, TEXT("x"), 0600, &error));
    assert_int_equal(mkdir(tree, 0700), 0);
    assert_int_equal(symlink(target, link), 0);
    assert_true(folder_remove(tree, &error));
    assert_false(is_there(tree));
    assert_int_equal(symlink(target, tree), 0);
    assert_true(folder_remove(tree, &error));
    assert_false(is_there(tree));
    assert_true(is_there(precious));
    assert_true(folder_remove(target, &error));
}

static void tree_deeper_than_any_path_is_removed(void **state)
{
    (void)state;
    Error error = {0};
    assert_int_equal(mkdir(tree, 0700), 0);
    AUTO_FD at = open(tree, O_RDONLY | O_DIRECTORY);
    char name[NAME_BYTES + 1];
    memset(name, 'd', NAME_BYTES);
    name[NAME_BYTES] = '\0';
    for (int i = 0; i < DEEPER_THAN_A_PATH; i++) {
        assert_int_equal(mkdirat(at, name, 0700), 0);
        assert_int_equal(mkdirat(at, "other", 0700), 0);
        int next = openat(at, name, O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
    }
    assert_true(folder_remove(tree, &error));
    assert_false(is_there(tree));
}

/* As an ordinary user, whom modes stop. */
static void tree_without_permissions_is_removed(void **state)
{
    (void)state;
    Error error = {0};
    uid_t user = geteuid();
    assert_int_equal(seteuid(user == 0 ? NOBODY : user), 0);
    assert_int_equal(mkdir(tree, 0700), 0);
    make("closed", 0700);
    put("closed/file");
    make("closed/inner", 0700);
    put("closed/inner/file");
    AUTO_FREE char *inner = alloc_format("%s/closed/inner", tree);
    AUTO_FREE char *closed = alloc_format("%s/closed", tree);
    assert_int_equal(chmod(inner, 0500), 0);
    assert_int_equal(chmod(closed, 0), 0);
    assert_int_equal(chmod(tree, 0500), 0);
    bool removed = folder_remove(tree, &error);
    assert_int_equal(seteuid(user), 0);
    assert_true(removed);
    assert_false(is_there(tree));
}

/* Method: a user who may not remove the entry of another. */
static void tree_of_another_user_is_an_error(void **state)
{
    (void)state;
    uid_t user = geteuid();
    if (user != 0) {
        return;
    }
    Error error = {0};
    assert_int_equal(mkdir(tree, 0755), 0);
    put("file");
    assert_int_equal(seteuid(NOBODY), 0);
    bool removed = folder_remove(tree, &error);
    assert_int_equal(seteuid(user), 0);
    assert_false(removed);
    assert_int_equal(error.code, ERROR_FORBIDDEN);
    assert_true(folder_remove(tree, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_folder_is_fine),
        cmocka_unit_test(tree_is_removed_and_its_neighbour_is_not),
        cmocka_unit_test(link_is_removed_and_its_target_is_not),
        cmocka_unit_test(tree_deeper_than_any_path_is_removed),
        cmocka_unit_test(tree_without_permissions_is_removed),
        cmocka_unit_test(tree_of_another_user_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
