/* SPDX-License-Identifier: Apache-2.0 */
/* Files; see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"

enum { FOLDER_DESCRIPTORS = 16 };

static ErrorCode code_of_errno(int number)
{
    if (number == ENOENT || number == ENOTDIR) {
        return ERROR_NOT_FOUND;
    }
    return number == EACCES || number == EPERM || number == EROFS ? ERROR_FORBIDDEN
                                                                  : ERROR_INTERNAL;
}

static bool fail(Error *error, const char *verb, const char *path)
{
    return error_set(error, code_of_errno(errno), "cannot %s '%s': %m", verb, path);
}

bool file_read(
    const char *path, size_t bytes_max, char **bytes_out, size_t *length_out, Error *error)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(error, "open", path);
    }
    AUTO_FREE char *bytes = alloc_array(bytes_max + 1, 1);
    size_t length = 0;
    while (length <= bytes_max) {
        ssize_t got = read(fd, bytes + length, bytes_max + 1 - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail(error, "read", path);
        }
        if (got == 0) {
            break;
        }
        length += (size_t)got;
    }
    if (length > bytes_max) {
        return error_set(error, ERROR_LIMIT, "'%s' is larger than %zu bytes", path, bytes_max);
    }
    bytes[length] = '\0';
    *bytes_out = TAKE(bytes);
    if (length_out != NULL) {
        *length_out = length;
    }
    return true;
}

bool fd_write_all(int fd, const void *bytes, size_t length, Error *error)
{
    size_t done = 0;
    while (done < length) {
        ssize_t wrote = write(fd, (const char *)bytes + done, length - done);
        if (wrote < 0 && errno != EINTR) {
            return error_set(error, errno == ENOSPC ? ERROR_LIMIT : ERROR_INTERNAL,
                             "cannot write: %m");
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

static bool sync_folder_of(const char *path, Error *error)
{
    AUTO_FREE char *copy = alloc_string(path);
    const char *folder = dirname(copy);
    AUTO_FD fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return fail(error, "sync", folder);
    }
    return true;
}

static bool write_and_sync(const char *path, Text content, mode_t mode, Error *error)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) {
        return fail(error, "create", path);
    }
    if (!fd_write_all(fd, content.bytes, content.length, error)) {
        return error_context(error, "'%s'", path);
    }
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0) {
        return fail(error, "write", path);
    }
    return true;
}

bool file_write(const char *path, Text content, mode_t mode, Error *error)
{
    AUTO_FREE char *beside = alloc_format("%s.%d.new", path, (int)getpid());
    if (!write_and_sync(beside, content, mode, error)) {
        unlink(beside);
        return false;
    }
    if (rename(beside, path) != 0) {
        fail(error, "rename to", path);
        unlink(beside);
        return false;
    }
    return sync_folder_of(path, error);
}

bool folder_create(const char *path, mode_t mode, Error *error)
{
    AUTO_FREE char *copy = alloc_string(path);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, mode) != 0 && errno != EEXIST) {
            return fail(error, "create the folder", copy);
        }
        *slash = '/';
    }
    if (mkdir(copy, mode) != 0 && errno != EEXIST) {
        return fail(error, "create the folder", path);
    }
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return error_set(error, ERROR_CONFLICT, "'%s' is not a folder", path);
    }
    return true;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

bool folder_remove(const char *path, Error *error)
{
    if (nftw(path, remove_entry, FOLDER_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0 &&
        errno != ENOENT) {
        return fail(error, "remove", path);
    }
    return true;
}
