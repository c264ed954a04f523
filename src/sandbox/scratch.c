/* SPDX-License-Identifier: Apache-2.0 */
/* The scratch folder; see scratch.h. */
#include "sandbox/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"

enum { DEPTH_MAX = 64, ENTRIES_MAX = 200000, NAME_BYTES = 1024, BLOCK_BYTES = 512 };

static void cleanup_dir(DIR **folder)
{
    if (*folder != NULL) {
        closedir(*folder);
    }
}
#define AUTO_DIR CLEANUP(cleanup_dir) DIR

static bool make_folder(const char *scratch, const char *name, Error *error)
{
    AUTO_FREE char *path = alloc_format("%s/%s", scratch, name);
    return folder_create(path, 0700, error);
}

static bool give_entry(int at_fd, const char *name, uid_t uid, Error *error)
{
    return fchownat(at_fd, name, uid, uid, AT_SYMLINK_NOFOLLOW) == 0 ||
           error_set(error, ERROR_INTERNAL, "cannot give '%s' to the sandbox's user: %m", name);
}

/* A folder, and below it, files. */
static bool give_folder(int at_fd, const char *name, uid_t uid, int depth, Error *error)
{
    int fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    AUTO_DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL || depth > DEPTH_MAX) {
        return error_set(error, ERROR_INTERNAL, "cannot open the scratch folder '%s': %m", name);
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        bool given = entry->d_type == DT_DIR
                         ? give_folder(dirfd(folder), entry->d_name, uid, depth + 1, error)
                         : give_entry(dirfd(folder), entry->d_name, uid, error);
        if (!given) {
            return false;
        }
    }
    return give_entry(at_fd, name, uid, error);
}

bool scratch_prepare(const char *folder, uid_t uid, Error *error)
{
    return make_folder(folder, "output", error) && make_folder(folder, "tmp", error) &&
           (uid == 0 || give_folder(AT_FDCWD, folder, uid, 0, error));
}

typedef struct Measure {
    int64_t bytes;
    int64_t entries;
} Measure;

/* The inputs are ours, and read-only. */
static bool counts(const char *name, int depth)
{
    bool is_self = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    bool is_input = depth == 0 && (strcmp(name, "input") == 0 || strcmp(name, "input.json") == 0);
    return !is_self && !is_input;
}

static void add_entry(Measure *measure, const struct stat *status)
{
    int64_t blocks = (int64_t)status->st_blocks * BLOCK_BYTES;
    int64_t size = S_ISREG(status->st_mode) ? (int64_t)status->st_size : 0;
    measure->bytes += (size > blocks ? size : blocks) + NAME_BYTES;
    measure->entries++;
}

/* False: there is too much to count. What vanishes meanwhile is not counted. */
static bool measure_folder(int at_fd, const char *name, int depth, Measure *measure)
{
    int fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    AUTO_DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry = folder == NULL ? NULL : readdir(folder);
    for (; entry != NULL; entry = readdir(folder)) {
        struct stat status;
        if (!counts(entry->d_name, depth) ||
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        add_entry(measure, &status);
        if (measure->entries > ENTRIES_MAX) {
            return false;
        }
        if (S_ISDIR(status.st_mode) &&
            (depth >= DEPTH_MAX ||
             !measure_folder(dirfd(folder), entry->d_name, depth + 1, measure))) {
            return false;
        }
    }
    return true;
}

int64_t scratch_measure(const char *folder)
{
    Measure measure = {.bytes = 0};
    return measure_folder(AT_FDCWD, folder, 0, &measure) ? measure.bytes : INT64_MAX;
}
