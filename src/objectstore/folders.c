/* SPDX-License-Identifier: Apache-2.0 */
/* Folders below the store's root; see folders.h. */
#include "objectstore/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

enum { FOLDER_MODE = 0700, SEGMENT_BYTES = 256, TREE_DEPTH_MAX = 64 };

void key_place_clear(KeyPlace *place)
{
    cleanup_fd(&place->folder_fd);
    place->folder_fd = -1;
}

ErrorCode disk_error_code(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case EACCES:
    case EROFS:
    case EMFILE:
    case ENFILE:
        return ERROR_UNAVAILABLE;
    default:
        return ERROR_INTERNAL;
    }
}

static bool fail(Error *error, const char *verb, const char *name)
{
    int number = errno;
    if (number == ENOENT || number == ENOTDIR || number == ELOOP) {
        return error_set(error, ERROR_NOT_FOUND, "there is no such object");
    }
    error_set(error, disk_error_code(number), "the object store cannot %s a folder", verb);
    return error_cause(error, "%s '%s': %s", verb, name, strerror(number));
}

static int step_into(int folder_fd, const char *name, bool create)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(folder_fd, name, flags);
    if (fd >= 0 || errno != ENOENT || !create) {
        return fd;
    }
    if (mkdirat(folder_fd, name, FOLDER_MODE) != 0 && errno != EEXIST) {
        return -1;
    }
    /* A folder that was just made must survive a crash as the file in it does. */
    if (fsync(folder_fd) != 0) {
        return -1;
    }
    return openat(folder_fd, name, flags);
}

bool key_place_open(
    int root_fd, const char *object_key, bool create, KeyPlace *place_out, Error *error)
{
    AUTO_FD folder = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    if (folder < 0) {
        return fail(error, "open", ".");
    }
    const char *name = object_key;
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(name, '/')) {
        char segment[SEGMENT_BYTES];
        if (!text_copy((Text){name, (size_t)(slash - name)}, segment, sizeof segment)) {
            return error_set(error, ERROR_INVALID, "the object's key is not valid");
        }
        int next = step_into(folder, segment, create);
        if (next < 0) {
            return fail(error, create ? "create" : "open", segment);
        }
        close(folder);
        folder = next;
        name = slash + 1;
    }
    place_out->folder_fd = TAKE_FD(folder);
    place_out->name = name;
    return true;
}

static void close_folder(DIR **folder)
{
    if (*folder != NULL) {
        closedir(*folder);
    }
}

static bool remove_below(int folder_fd, const char *name, int depth, Error *error);

static bool remove_entries(int tree_fd, int depth, Error *error)
{
    CLEANUP(close_folder) DIR *entries = fdopendir(tree_fd);
    if (entries == NULL) {
        close(tree_fd);
        return fail(error, "read", ".");
    }
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (!remove_below(dirfd(entries), entry->d_name, depth + 1, error)) {
            return false;
        }
    }
    return true;
}

static bool remove_below(int folder_fd, const char *name, int depth, Error *error)
{
    if (depth > TREE_DEPTH_MAX) {
        return error_set(error, ERROR_INTERNAL, "the object store's folders are too deep");
    }
    if (unlinkat(folder_fd, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    if (errno != EISDIR && errno != EPERM) {
        return fail(error, "remove", name);
    }
    int tree_fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (tree_fd < 0) {
        return fail(error, "open", name);
    }
    if (!remove_entries(tree_fd, depth, error)) {
        return false;
    }
    if (unlinkat(folder_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return fail(error, "remove", name);
    }
    return true;
}

bool tree_remove(int folder_fd, const char *name, Error *error)
{
    return remove_below(folder_fd, name, 0, error);
}
