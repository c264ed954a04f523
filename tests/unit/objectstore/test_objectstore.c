/* SPDX-License-Identifier: Apache-2.0 */
/* The local store: objects are complete or absent, and nothing leads out of its folder. */
#include "unit_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "objectstore/objectstore.h"

static char folder[] = "/tmp/slideway-objects-XXXXXX";
static char *store_folder;
static char *outside;
static ObjectStore *store;

static int open_store(void **state)
{
    (void)state;
    Error error = {0};
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    store_folder = alloc_format("%s/store", folder);
    outside = alloc_format("%s/outside", folder);
    return file_write(outside, TEXT("secret"), 0600, &error) &&
                   objectstore_open(store_folder, &store, &error)
               ? 0
               : 1;
}

static int close_store(void **state)
{
    (void)state;
    Error error = {0};
    objectstore_close(store);
    alloc_free(store_folder);
    alloc_free(outside);
    return folder_remove(folder, &error) ? 0 : 1;
}

static bool read_object(const char *key, char *out, size_t out_bytes, Error *error)
{
    AUTO_FD fd = -1;
    int64_t size_bytes = 0;
    if (!objectstore_read(store, key, &fd, &size_bytes, error)) {
        return false;
    }
    ssize_t got = read(fd, out, out_bytes - 1);
    assert_int_equal(got, size_bytes);
    out[got] = '\0';
    return true;
}

static void assert_absent(const char *key)
{
    char content[64];
    Error error = {0};
    assert_false(read_object(key, content, sizeof content, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static bool put_file(const char *key, const char *path, ObjectFacts *facts_out, Error *error)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return objectstore_put_fd(store, key, fd, NULL, facts_out, error);
}

static void put(const char *key, const char *content)
{
    Error error = {0};
    ObjectFacts facts;
    AUTO_FREE char *path = alloc_format("%s/source", folder);
    assert_true(file_write(path, text_of(content), 0600, &error));
    assert_true(put_file(key, path, &facts, &error));
    assert_int_equal(facts.size_bytes, strlen(content));
}

static void names_of_a_folder_are_listed_in_order(void **state)
{
    (void)state;
    static const char *const KEYS[] = {"list/b/1", "list/a/1", "list/c"};
    Error error = {0};
    for (size_t i = 0; i < ARRAY_COUNT(KEYS); i++) {
        put(KEYS[i], "x");
    }
    AUTO_OBJECT_NAMES all = {.names = NULL};
    assert_true(objectstore_list(store, "list", NULL, &all, &error));
    assert_int_equal(all.count, 3);
    assert_string_equal(all.names[0], "a");
    assert_string_equal(all.names[2], "c");
    AUTO_OBJECT_NAMES rest = {.names = NULL};
    assert_true(objectstore_list(store, "list", "a", &rest, &error));
    assert_int_equal(rest.count, 2);
    assert_string_equal(rest.names[0], "b");
    AUTO_OBJECT_NAMES none = {.names = NULL};
    assert_true(objectstore_list(store, "absent", NULL, &none, &error));
    assert_true(objectstore_list(store, "list/c", NULL, &none, &error));
    assert_int_equal(none.count, 0);
    assert_false(objectstore_list(store, "../outside", NULL, &none, &error));
    assert_int_equal(error.code, ERROR_INVALID);
}

/* More names than one list holds, made in an order that is not theirs: lists follow one another
 * without a gap. */
static void lists_go_on_where_the_one_before_stopped(void **state)
{
    (void)state;
    enum { COUNT = 2 * OBJECT_NAMES_MAX + 7, STEP = 811 };
    Error error = {0};
    put("many/0000", "x");
    for (int i = 0; i < COUNT; i++) {
        AUTO_FREE char *path = alloc_format("%s/many/%04d", store_folder, i * STEP % COUNT);
        AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
    }
    AUTO_FREE char *cursor = NULL;
    int next = 0;
    do {
        AUTO_OBJECT_NAMES names = {.names = NULL};
        assert_true(objectstore_list(store, "many", cursor, &names, &error));
        for (size_t i = 0; i < names.count; i++) {
            assert_int_equal(strtol(names.names[i], NULL, 10), next);
            next++;
        }
        alloc_free(cursor);
        cursor = TAKE(names.cursor);
    } while (cursor != NULL);
    assert_int_equal(next, COUNT);
}

static void an_unwanted_object_is_not_stored(void **state)
{
    (void)state;
    atomic_bool abort = true;
    ObjectFacts facts;
    Error error = {0};
    AUTO_FD fd = open(outside, O_RDONLY | O_CLOEXEC);
    assert_false(objectstore_put_fd(store, "unwanted", fd, &abort, &facts, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_absent("unwanted");
}

static void link_into_store(const char *target, const char *name)
{
    AUTO_FREE char *path = alloc_format("%s/%s", store_folder, name);
    assert_int_equal(symlink(target, path), 0);
}

static void valid_keys_are_told_from_others(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"a", "uploads/o/u/slide one.svs", "a/.b/c", "a/...",
                                       "a/\xc3\xa4"};
    static const char *const BAD[] = {"",     "/a",     "a/",    "a//b",   "..",
                                      "../a", "a/..",   "a/./b", "a/../b", ".hidden",
                                      "a\nb", "a/\x7f", "a/\xff"};
    for (size_t i = 0; i < ARRAY_COUNT(GOOD); i++) {
        assert_true(object_key_valid(text_of(GOOD[i])));
    }
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        assert_false(object_key_valid(text_of(BAD[i])));
    }
    assert_false(object_key_valid((Text){"a\0b", 3}));
    char long_key[OBJECT_KEY_BYTES_MAX + 2];
    for (size_t i = 0; i < sizeof long_key; i++) {
        long_key[i] = i % 2 == 0 ? 'a' : '/';
    }
    assert_false(object_key_valid((Text){long_key, OBJECT_KEY_BYTES_MAX + 1}));
    assert_true(object_key_valid((Text){long_key, OBJECT_KEY_BYTES_MAX - 1}));
    memset(long_key, 'a', sizeof long_key);
    assert_true(object_key_valid((Text){long_key, 255}));
    assert_false(object_key_valid((Text){long_key, 256}));
}

static void object_comes_back_as_it_was_put(void **state)
{
    (void)state;
    char content[64];
    Error error = {0};
    put("artifacts/r/i/a/x.json", "123456789");
    assert_true(read_object("artifacts/r/i/a/x.json", content, sizeof content, &error));
    assert_string_equal(content, "123456789");
    assert_true(objectstore_remove(store, "artifacts/r/i/a/x.json", &error));
    assert_absent("artifacts/r/i/a/x.json");
    assert_true(objectstore_remove(store, "artifacts/r/i/a/x.json", &error));
    assert_true(objectstore_remove(store, "no/such/folder", &error));
}

static void facts_are_of_what_was_written(void **state)
{
    (void)state;
    Error error = {0};
    ObjectFacts facts;
    ObjectUpload *upload = NULL;
    assert_true(upload_begin(store, "uploads/a", 9, &upload, &error));
    assert_true(upload_write(upload, "1234", 4, &error));
    assert_absent("uploads/a");
    assert_true(upload_write(upload, "56789", 5, &error));
    assert_true(upload_commit(upload, &facts, &error));
    upload_destroy(upload);
    assert_int_equal(facts.size_bytes, 9);
    assert_int_equal(facts.crc32c, 0xe3069283U);
}

static void upload_past_its_limit_leaves_nothing(void **state)
{
    (void)state;
    Error error = {0};
    ObjectUpload *upload = NULL;
    assert_true(upload_begin(store, "uploads/b", 4, &upload, &error));
    assert_false(upload_write(upload, "12345", 5, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    upload_destroy(upload);
    assert_absent("uploads/b");
    AUTO_FREE char *incoming = alloc_format("%s/.incoming", store_folder);
    DIR *entries = opendir(incoming);
    assert_non_null(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        assert_true(entry->d_name[0] == '.');
    }
    closedir(entries);
}

/* Its writer must not be told that the object is too large. */
static void target_that_is_full_is_no_limit_of_the_object(void **state)
{
    (void)state;
    Error error = {0};
    ObjectFacts facts;
    put("uploads/whole", "123");
    AUTO_FD full = open("/dev/full", O_WRONLY);
    const ObjectTarget target = {full, 100, NULL};
    assert_true(full >= 0);
    assert_false(objectstore_fetch(store, "uploads/whole", &target, &facts, &error));
    assert_int_equal(error.code, ERROR_INTERNAL);
}

static void prefix_takes_all_below_it_and_nothing_beside(void **state)
{
    (void)state;
    Error error = {0};
    char content[64];
    put("artifacts/r1/i/a/x", "1");
    put("artifacts/r1/j/y", "2");
    put("artifacts/r10/x", "3");
    assert_true(objectstore_remove_prefix(store, "artifacts/r1", &error));
    assert_absent("artifacts/r1/i/a/x");
    assert_absent("artifacts/r1/j/y");
    assert_true(read_object("artifacts/r10/x", content, sizeof content, &error));
    assert_true(objectstore_remove_prefix(store, "artifacts/none", &error));
    assert_false(objectstore_remove_prefix(store, "../outside", &error));
    assert_int_equal(access(outside, F_OK), 0);
}

static void links_do_not_lead_out(void **state)
{
    (void)state;
    Error error = {0};
    ObjectFacts facts;
    link_into_store(outside, "file_link");
    link_into_store(folder, "folder_link");
    assert_absent("file_link");
    assert_absent("folder_link/outside");
    assert_false(put_file("folder_link/new", outside, &facts, &error));
    error_clear(&error);
    assert_true(objectstore_remove(store, "folder_link/outside", &error));
    assert_true(objectstore_remove_prefix(store, "folder_link", &error));
    assert_int_equal(access(outside, F_OK), 0);
}

static void folders_and_pipes_are_no_objects(void **state)
{
    (void)state;
    AUTO_FREE char *pipe_path = alloc_format("%s/pipe", store_folder);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    put("uploads/c/d", "1");
    assert_absent("uploads/c");
    assert_absent("pipe");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_a_folder_are_listed_in_order),
        cmocka_unit_test(lists_go_on_where_the_one_before_stopped),
        cmocka_unit_test(an_unwanted_object_is_not_stored),
        cmocka_unit_test(valid_keys_are_told_from_others),
        cmocka_unit_test(object_comes_back_as_it_was_put),
        cmocka_unit_test(facts_are_of_what_was_written),
        cmocka_unit_test(upload_past_its_limit_leaves_nothing),
        cmocka_unit_test(target_that_is_full_is_no_limit_of_the_object),
        cmocka_unit_test(prefix_takes_all_below_it_and_nothing_beside),
        cmocka_unit_test(links_do_not_lead_out),
        cmocka_unit_test(folders_and_pipes_are_no_objects),
    };
    return cmocka_run_group_tests(tests, open_store, close_store);
}
