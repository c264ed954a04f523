/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as files below one folder; see objectstore.h. New ones grow in ".incoming". */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/uuid.h"
#include "objectstore/checksum.h"
#include "objectstore/folders.h"
#include "objectstore/names.h"
#include "objectstore/store.h"

#define INCOMING_FOLDER ".incoming"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, COPY_BYTES = 256 * 1024 };

typedef struct LocalStore {
    ObjectStore base;
    int root_fd;
    int incoming_fd;
} LocalStore;

struct ObjectUpload {
    LocalStore *store;
    char *object_key;
    Uuid name; /* in the folder of incoming files; empty when it has left it */
    int fd;
    int64_t bytes_max;
    ObjectFacts facts;
};

static bool fail(Error *error, const char *verb)
{
    int number = errno;
    if (number == ENOENT || number == ENOTDIR || number == ELOOP) {
        return error_set(error, ERROR_NOT_FOUND, "there is no such object");
    }
    error_set(error, disk_error_code(number), "the object store cannot %s an object", verb);
    return error_cause(error, "%s: %s", verb, strerror(number));
}

static bool check_key(const char *object_key, Error *error)
{
    if (!object_key_valid(text_of(object_key))) {
        return error_set(error, ERROR_INVALID, "the object's key is not valid");
    }
    return true;
}

static const ObjectStoreOperations LOCAL;

/* The local store that it is; a bucket has no files to open. */
static LocalStore *local_of(const ObjectStore *store)
{
    assert(store->operations == &LOCAL);
    return (LocalStore *)store;
}

bool objectstore_open(const char *folder, ObjectStore **store_out, Error *error)
{
    AUTO_FREE char *incoming = alloc_format("%s/%s", folder, INCOMING_FOLDER);
    if (!folder_create(incoming, FOLDER_MODE, error)) {
        return error_context(error, "object store");
    }
    AUTO_FD root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD incoming_fd = open(incoming, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root < 0 || incoming_fd < 0) {
        return error_set(error, ERROR_FORBIDDEN, "cannot open the object store '%s': %m", folder);
    }
    LocalStore *store = ALLOC_NEW(LocalStore);
    store->base.operations = &LOCAL;
    store->root_fd = TAKE_FD(root);
    store->incoming_fd = TAKE_FD(incoming_fd);
    *store_out = &store->base;
    return true;
}

static void local_close(ObjectStore *base)
{
    LocalStore *store = local_of(base);
    cleanup_fd(&store->root_fd);
    cleanup_fd(&store->incoming_fd);
    alloc_free(store);
}

static bool local_check(ObjectStore *base, Error *error)
{
    (void)base;
    (void)error;
    return true; /* its folder is open */
}

bool objectstore_read(const ObjectStore *store,
                      const char *object_key,
                      int *fd_out,
                      int64_t *size_bytes_out,
                      Error *error)
{
    AUTO_KEY_PLACE place = KEY_PLACE_NONE;
    if (!check_key(object_key, error) ||
        !key_place_open(local_of(store)->root_fd, object_key, false, &place, error)) {
        return false;
    }
    /* O_NONBLOCK: a FIFO that somebody put there must not hold a thread. */
    AUTO_FD fd =
        openat(place.folder_fd, place.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return fail(error, "open");
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, ERROR_NOT_FOUND, "there is no such object");
    }
    *fd_out = TAKE_FD(fd);
    *size_bytes_out = status.st_size;
    return true;
}

static bool local_remove(ObjectStore *store, const char *object_key, Error *error)
{
    AUTO_KEY_PLACE place = KEY_PLACE_NONE;
    if (!key_place_open(local_of(store)->root_fd, object_key, false, &place, error)) {
        return error->code == ERROR_NOT_FOUND;
    }
    if (unlinkat(place.folder_fd, place.name, 0) != 0 && errno != ENOENT) {
        return fail(error, "remove");
    }
    return true;
}

static bool local_remove_prefix(ObjectStore *store, const char *prefix, Error *error)
{
    AUTO_KEY_PLACE place = KEY_PLACE_NONE;
    if (!key_place_open(local_of(store)->root_fd, prefix, false, &place, error)) {
        return error->code == ERROR_NOT_FOUND;
    }
    return tree_remove(place.folder_fd, place.name, error);
}

static void cleanup_folder(DIR **folder)
{
    if (*folder != NULL) {
        closedir(*folder);
    }
}

static DIR *open_incoming(const LocalStore *store)
{
    AUTO_FD fd = openat(store->incoming_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder != NULL) {
        (void)TAKE_FD(fd); /* the folder closes it */
    }
    return folder;
}

static bool local_list(ObjectStore *store,
                       const char *folder,
                       const char *cursor,
                       ObjectNames *names_out,
                       Error *error)
{
    AUTO_KEY_PLACE place = KEY_PLACE_NONE;
    if (!key_place_open(local_of(store)->root_fd, folder, false, &place, error)) {
        return error->code == ERROR_NOT_FOUND;
    }
    AUTO_FD fd =
        openat(place.folder_fd, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    CLEANUP(cleanup_folder) DIR *opened = fd < 0 ? NULL : fdopendir(fd);
    if (opened == NULL) {
        return fail(error, "list") || error->code == ERROR_NOT_FOUND;
    }
    (void)TAKE_FD(fd); /* the folder closes it */
    names_read(opened, cursor == NULL ? "" : cursor, names_out);
    return true;
}

static bool local_sweep_uploads(ObjectStore *base, int64_t before_us, Error *error)
{
    const LocalStore *store = local_of(base);
    CLEANUP(cleanup_folder) DIR *folder = open_incoming(store);
    if (folder == NULL) {
        return fail(error, "sweep");
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct stat status;
        if (fstatat(store->incoming_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) &&
            status.st_mtim.tv_sec < before_us / MICROSECONDS_PER_SECOND &&
            unlinkat(store->incoming_fd, entry->d_name, 0) != 0 && errno != ENOENT) {
            return fail(error, "sweep");
        }
    }
    return true;
}

bool upload_begin(ObjectStore *store,
                  const char *object_key,
                  int64_t bytes_max,
                  ObjectUpload **upload_out,
                  Error *error)
{
    assert(bytes_max >= 0);
    if (!check_key(object_key, error)) {
        return false;
    }
    Uuid name = uuid_create(&SYSTEM_CLOCK);
    LocalStore *local = local_of(store);
    int fd = openat(local->incoming_fd, name.text,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return fail(error, "create");
    }
    ObjectUpload *upload = ALLOC_NEW(ObjectUpload);
    *upload = (ObjectUpload){.store = local,
                             .object_key = alloc_string(object_key),
                             .name = name,
                             .fd = fd,
                             .bytes_max = bytes_max,
                             .facts = {.crc32c = CRC32C_EMPTY}};
    *upload_out = upload;
    return true;
}

bool upload_write(ObjectUpload *upload, const void *bytes, size_t length, Error *error)
{
    if ((uint64_t)length > (uint64_t)(upload->bytes_max - upload->facts.size_bytes)) {
        return error_set(error, ERROR_LIMIT, "the object is larger than %lld bytes",
                         (long long)upload->bytes_max);
    }
    if (!fd_write_all(upload->fd, bytes, length, error)) {
        error->code = ERROR_UNAVAILABLE;
        return error_context(error, "object store");
    }
    upload->facts.crc32c = crc32c_update(upload->facts.crc32c, bytes, length);
    upload->facts.size_bytes += (int64_t)length;
    return true;
}

bool upload_commit(ObjectUpload *upload, ObjectFacts *facts_out, Error *error)
{
    AUTO_KEY_PLACE place = KEY_PLACE_NONE;
    if (!key_place_open(upload->store->root_fd, upload->object_key, true, &place, error)) {
        return false;
    }
    if (fsync(upload->fd) != 0) {
        return fail(error, "sync");
    }
    if (renameat(upload->store->incoming_fd, upload->name.text, place.folder_fd, place.name) != 0) {
        return fail(error, "place");
    }
    upload->name.text[0] = '\0';
    if (fsync(place.folder_fd) != 0) {
        return fail(error, "sync");
    }
    *facts_out = upload->facts;
    return true;
}

void upload_destroy(ObjectUpload *upload)
{
    if (upload == NULL) {
        return;
    }
    if (upload->name.text[0] != '\0') {
        unlinkat(upload->store->incoming_fd, upload->name.text, 0);
    }
    cleanup_fd(&upload->fd);
    alloc_free(upload->object_key);
    alloc_free(upload);
}

static void cleanup_upload(ObjectUpload **upload)
{
    upload_destroy(*upload);
}

static bool copy_into(ObjectUpload *upload, int fd, const atomic_bool *abort, Error *error)
{
    AUTO_FREE char *bytes = alloc_array(COPY_BYTES, 1);
    for (;;) {
        if (abort != NULL && atomic_load(abort)) {
            return error_set(error, ERROR_CONFLICT, "the object is not wanted any more");
        }
        ssize_t got = fd_read_all(fd, bytes, COPY_BYTES);
        if (got < 0) {
            return fail(error, "read");
        }
        if (got == 0) {
            return true;
        }
        if (!upload_write(upload, bytes, (size_t)got, error)) {
            return false;
        }
    }
}

static bool local_put_fd(ObjectStore *store,
                         const char *object_key,
                         int fd,
                         const atomic_bool *abort,
                         ObjectFacts *facts_out,
                         Error *error)
{
    CLEANUP(cleanup_upload) ObjectUpload *upload = NULL;
    return upload_begin(store, object_key, OBJECT_BYTES_MAX, &upload, error) &&
           copy_into(upload, fd, abort, error) && upload_commit(upload, facts_out, error);
}

/* Reads to the end of `from`, into the target when there is one (-1: none). */
static bool copy_out(int from, const ObjectTarget *target, ObjectFacts *facts_out, Error *error)
{
    AUTO_FREE char *bytes = alloc_array(COPY_BYTES, 1);
    ObjectFacts facts = {.crc32c = CRC32C_EMPTY};
    while (target->abort == NULL || !atomic_load(target->abort)) {
        ssize_t got = fd_read_all(from, bytes, COPY_BYTES);
        if (got < 0) {
            return fail(error, "read");
        }
        if (got == 0) {
            *facts_out = facts;
            return true;
        }
        if (target->fd >= 0 && !fd_write_all(target->fd, bytes, (size_t)got, error)) {
            error->code = ERROR_INTERNAL; /* no limit of the object's */
            return false;
        }
        facts.crc32c = crc32c_update(facts.crc32c, bytes, (size_t)got);
        facts.size_bytes += got;
    }
    return error_set(error, ERROR_CONFLICT, "the object is not wanted any more");
}

static bool local_fetch(ObjectStore *store,
                        const char *object_key,
                        const ObjectTarget *target,
                        ObjectFacts *facts_out,
                        Error *error)
{
    AUTO_FD from = -1;
    int64_t size_bytes = 0;
    if (!objectstore_read(store, object_key, &from, &size_bytes, error)) {
        return false;
    }
    if (size_bytes > target->bytes_max) {
        return error_set(error, ERROR_LIMIT, "The file has %lld bytes; at most %lld are allowed",
                         (long long)size_bytes, (long long)target->bytes_max);
    }
    return copy_out(from, target, facts_out, error);
}

static bool
local_size(ObjectStore *store, const char *object_key, int64_t *size_bytes_out, Error *error)
{
    AUTO_FD fd = -1;
    return objectstore_read(store, object_key, &fd, size_bytes_out, error);
}

static bool
local_holds(ObjectStore *store, const char *object_key, int fd, bool *holds_out, Error *error)
{
    const ObjectTarget nowhere = {.fd = -1, .bytes_max = INT64_MAX};
    ObjectFacts ours;
    ObjectFacts theirs;
    if (!local_fetch(store, object_key, &nowhere, &theirs, error)) {
        *holds_out = false;
        return error->code == ERROR_NOT_FOUND;
    }
    if (lseek(fd, 0, SEEK_SET) != 0) {
        return fail(error, "read");
    }
    if (!copy_out(fd, &nowhere, &ours, error)) {
        return false;
    }
    *holds_out = ours.size_bytes == theirs.size_bytes && ours.crc32c == theirs.crc32c;
    return true;
}

static const ObjectStoreOperations LOCAL = {.close = local_close,
                                            .check = local_check,
                                            .put_fd = local_put_fd,
                                            .fetch = local_fetch,
                                            .size = local_size,
                                            .holds = local_holds,
                                            .remove = local_remove,
                                            .remove_prefix = local_remove_prefix,
                                            .list = local_list,
                                            .sweep_uploads = local_sweep_uploads};
