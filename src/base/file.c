/* SPDX-License-Identifier: Apache-2.0 */
/* Files; see file.h. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/alloc.h"

enum { FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool path_ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path);
    size_t ending_length = strlen(ending);
    return length >= ending_length && strcasecmp(path + length - ending_length, ending) == 0;
}

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
    ssize_t got = fd_read_all(fd, bytes, bytes_max + 1);
    if (got < 0) {
        return fail(error, "read", path);
    }
    size_t length = (size_t)got;
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

/* `offset` is NULL: from where the file stands. */
static ssize_t read_all(int fd, const off_t *offset, char *bytes, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t got = offset == NULL
                          ? read(fd, bytes + done, length - done)
                          : pread(fd, bytes + done, length - done, *offset + (off_t)done);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

ssize_t fd_read_all(int fd, void *bytes_out, size_t length)
{
    return read_all(fd, NULL, bytes_out, length);
}

ssize_t fd_read_all_at(int fd, off_t offset, void *bytes_out, size_t length)
{
    return read_all(fd, &offset, bytes_out, length);
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
    char *slash = copy[0] == '\0' ? NULL : strchr(copy + 1, '/');
    for (; slash != NULL; slash = strchr(slash + 1, '/')) {
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

/* Opens a subfolder so that its content can be removed, whatever its mode was. */
static int enter_folder(int at_fd, const char *name)
{
    int fd = openat(at_fd, name, FOLDER_FLAGS);
    if (fd < 0 && errno == EACCES && fchmodat(at_fd, name, S_IRWXU, 0) == 0) {
        fd = openat(at_fd, name, FOLDER_FLAGS);
    }
    if (fd >= 0) {
        (void)fchmod(fd, S_IRWXU);
    }
    return fd;
}

/* Removes an entry; a folder that is not empty is opened instead. False: see errno. */
static bool remove_entry(int at_fd, const char *name, int *full_folder_out)
{
    if (unlinkat(at_fd, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    if (errno != EISDIR && errno != EPERM) {
        return false;
    }
    if (unlinkat(at_fd, name, AT_REMOVEDIR) == 0) {
        return true;
    }
    if (errno != ENOTEMPTY && errno != EEXIST) {
        return false;
    }
    *full_folder_out = enter_folder(at_fd, name);
    return *full_folder_out >= 0;
}

/* Removes entries until one is a folder that is not empty. */
static bool remove_entries(int folder_fd, int *full_folder_out)
{
    int fd = openat(folder_fd, ".", FOLDER_FLAGS);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        return false;
    }
    bool removed = true;
    const struct dirent *entry = readdir(folder);
    while (removed && *full_folder_out < 0 && entry != NULL) {
        bool is_self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        removed = is_self || remove_entry(folder_fd, entry->d_name, full_folder_out);
        entry = readdir(folder);
    }
    int number = errno;
    closedir(folder);
    errno = number;
    return removed;
}

static bool same_folder(int a, int b)
{
    struct stat first;
    struct stat second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* Goes down into folders and up again with one descriptor: a stranger's tree may be deeper than
 * any path and than any stack. It knows the top when it is there again, and does not count on the
 * way back being as long as the way down: the stranger may still be moving folders. */
static bool remove_content(int top_fd)
{
    AUTO_FD at = openat(top_fd, ".", FOLDER_FLAGS);
    while (at >= 0) {
        int next = -1;
        if (!remove_entries(at, &next)) {
            return false;
        }
        if (next < 0 && same_folder(at, top_fd)) {
            return true;
        }
        next = next < 0 ? openat(at, "..", FOLDER_FLAGS) : next;
        close(at);
        at = next;
    }
    return false;
}

bool folder_remove(const char *path, Error *error)
{
    if (unlink(path) == 0 || errno == ENOENT) {
        return true;
    }
    AUTO_FD fd = enter_folder(AT_FDCWD, path);
    if (fd < 0 || !remove_content(fd) || rmdir(path) != 0) {
        return fail(error, "remove", path);
    }
    return true;
}
