/* SPDX-License-Identifier: Apache-2.0 */
/* Removal of trees that a stranger made: any depth, any mode, and never through a link; and reading
 * all that was asked for. */
#include "unit_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

enum { NAME_BYTES = 200, DEEPER_THAN_A_PATH = 2 * PATH_MAX / NAME_BYTES, NOBODY = 65534 };
enum { PIECE_MICROSECONDS = 20000 };

static char root[] = "/tmp/slideway-file-XXXXXX";
static char *tree;
static pthread_t reader;
static volatile sig_atomic_t signal_count;

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

static void name_and_ending_of_a_path_are_found(void **state)
{
    (void)state;
    assert_string_equal(path_name("a/b/slide.TIFF"), "slide.TIFF");
    assert_string_equal(path_name("slide"), "slide");
    assert_string_equal(path_name("a/"), "");
    assert_true(path_ends_with("a/b/slide.TIFF", ".tiff"));
    assert_true(path_ends_with(".tiff", ".tiff"));
    assert_false(path_ends_with("tiff", ".tiff"));
    assert_false(path_ends_with("slide.tiff.zip", ".tiff"));
}

static void folder_without_a_name_is_an_error(void **state)
{
    (void)state;
    Error error = {.code = ERROR_NONE};
    assert_false(folder_create("", 0755, &error));
    assert_string_equal(error.message, "cannot create the folder '': No such file or directory");
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

/* Two pieces, and a signal to the reader between them; NULL: all went well. */
static void *write_in_pieces(void *context)
{
    const int *ends = context;
    bool written = write(ends[1], "abc", 3) == 3;
    usleep(PIECE_MICROSECONDS);
    pthread_kill(reader, SIGUSR1);
    usleep(PIECE_MICROSECONDS);
    written &= write(ends[1], "defg", 4) == 4;
    close(ends[1]);
    return written ? NULL : context;
}

static void note_signal(int number)
{
    (void)number;
    signal_count++;
}

static void pieces_are_read_to_the_length_or_the_end_in_spite_of_signals(void **state)
{
    (void)state;
    const struct sigaction action = {.sa_handler = note_signal}; /* no SA_RESTART */
    struct sigaction before;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    int ends[2];
    char bytes[16] = "";
    pthread_t writer;
    reader = pthread_self();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_in_pieces, ends), 0);
    assert_int_equal(fd_read_all(ends[0], bytes, 6), 6);
    assert_memory_equal(bytes, "abcdef", 6);
    assert_int_equal(fd_read_all(ends[0], bytes, sizeof bytes), 1);
    assert_int_equal(bytes[0], 'g');
    assert_int_equal(fd_read_all(ends[0], bytes, sizeof bytes), 0);
    void *failed = ends;
    assert_int_equal(pthread_join(writer, &failed), 0);
    assert_null(failed);
    assert_int_equal(signal_count, 1);
    close(ends[0]);
    sigaction(SIGUSR1, &before, NULL);
}

static void a_place_of_a_file_is_read_without_moving_in_it(void **state)
{
    (void)state;
    Error error = {0};
    char bytes[4] = "";
    AUTO_FREE char *path = alloc_format("%s/places", root);
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(unlink(path), 0);
    assert_true(fd_write_all(fd, "0123456", 7, &error));
    assert_int_equal(lseek(fd, 1, SEEK_SET), 1);
    assert_int_equal(fd_read_all_at(fd, 2, bytes, 4), 4);
    assert_memory_equal(bytes, "2345", 4);
    assert_int_equal(fd_read_all_at(fd, 5, bytes, 4), 2);
    assert_memory_equal(bytes, "56", 2);
    assert_int_equal(fd_read_all_at(fd, 7, bytes, 4), 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 1);
}

static void what_cannot_be_read_leaves_the_reason_in_errno(void **state)
{
    (void)state;
    char bytes[4];
    AUTO_FD folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fd_read_all(folder, bytes, sizeof bytes), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(fd_read_all_at(folder, -1, bytes, sizeof bytes), -1);
    assert_int_equal(errno, EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_and_ending_of_a_path_are_found),
        cmocka_unit_test(folder_without_a_name_is_an_error),
        cmocka_unit_test(missing_folder_is_fine),
        cmocka_unit_test(tree_is_removed_and_its_neighbour_is_not),
        cmocka_unit_test(link_is_removed_and_its_target_is_not),
        cmocka_unit_test(tree_deeper_than_any_path_is_removed),
        cmocka_unit_test(tree_without_permissions_is_removed),
        cmocka_unit_test(tree_of_another_user_is_an_error),
        cmocka_unit_test(pieces_are_read_to_the_length_or_the_end_in_spite_of_signals),
        cmocka_unit_test(a_place_of_a_file_is_read_without_moving_in_it),
        cmocka_unit_test(what_cannot_be_read_leaves_the_reason_in_errno),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
