/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over the files of a store; see store_copy.h. */
#include "cli/store_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/alloc.h"

enum { SHOW_SECONDS = 5 };

typedef struct Copying {
    const StoreCopy *copy;
    StoreCopyCounts counts;
    int64_t shown_at_us;
} Copying;

static bool send_object(const Copying *copying, const char *object_key, int fd, Error *error)
{
    ObjectStore *target = copying->copy->target;
    ObjectFacts facts;
    bool same = false;
    if (lseek(fd, 0, SEEK_SET) != 0) {
        return error_set(error, ERROR_INTERNAL, "the file cannot be read: %m");
    }
    if (!objectstore_put_fd(target, object_key, fd, NULL, &facts, error) ||
        !objectstore_holds(target, object_key, fd, &same, error)) {
        return false;
    }
    return same || error_set(error, ERROR_INTERNAL,
                             "what the store has is not what was sent: its checksum differs");
}

static void show(Copying *copying)
{
    int64_t now_us = clock_monotonic_us(copying->copy->clock);
    if (copying->copy->show != NULL &&
        now_us - copying->shown_at_us >= SHOW_SECONDS * MICROSECONDS_PER_SECOND) {
        copying->shown_at_us = now_us;
        copying->copy->show(&copying->counts);
    }
}

/* A file that the platform has deleted meanwhile is none of the store's any more. */
static bool copy_object(Copying *copying, const char *object_key, const char *path, Error *error)
{
    AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    if (fd < 0 && errno == ENOENT) {
        return true;
    }
    if (fd < 0 || fstat(fd, &status) != 0) {
        return error_set(error, ERROR_FORBIDDEN, "cannot be read: %m");
    }
    bool there = false;
    if (!objectstore_holds(copying->copy->target, object_key, fd, &there, error) ||
        (!there && !send_object(copying, object_key, fd, error))) {
        return false;
    }
    copying->counts.objects++;
    copying->counts.bytes += status.st_size;
    copying->counts.copied_objects += there ? 0 : 1;
    copying->counts.copied_bytes += there ? 0 : status.st_size;
    show(copying);
    return true;
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* One entry of the walk. Hidden folders and files hold what is not ready, as ".incoming". */
static bool visit(Copying *copying, FTS *walk, FTSENT *entry, size_t root_length, Error *error)
{
    if (entry->fts_level > 0 && entry->fts_name[0] == '.') {
        (void)fts_set(walk, entry, FTS_SKIP);
        return true;
    }
    switch (entry->fts_info) {
    case FTS_F: {
        const char *object_key = entry->fts_path + root_length + 1;
        return copy_object(copying, object_key, entry->fts_accpath, error) ||
               error_context(error, "%s", object_key);
    }
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return entry->fts_errno == ENOENT ||
               error_set(error, ERROR_FORBIDDEN, "'%s' cannot be read: %s", entry->fts_path,
                         strerror(entry->fts_errno));
    default:
        return true; /* folders, and what is no object: links, pipes */
    }
}

static void close_walk(FTS **walk)
{
    if (*walk != NULL) {
        fts_close(*walk);
    }
}

bool store_copy(const StoreCopy *copy, StoreCopyCounts *counts_out, Error *error)
{
    AUTO_FD lock = open(copy->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0) {
        return error_set(error, ERROR_NOT_FOUND, "the folder '%s' cannot be opened: %m",
                         copy->folder);
    }
    /* Two copies would take the parts of an upload from one another. */
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        return error_set(error, ERROR_CONFLICT, "another copy of '%s' runs", copy->folder);
    }
    AUTO_FREE char *root = alloc_string(copy->folder);
    char *const roots[] = {root, NULL};
    CLEANUP(close_walk)
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, compare_names);
    if (walk == NULL) {
        return error_set(error, ERROR_INTERNAL, "the folder '%s' cannot be read: %m", root);
    }
    Copying copying = {.copy = copy, .shown_at_us = clock_monotonic_us(copy->clock)};
    errno = 0;
    for (FTSENT *entry = fts_read(walk); entry != NULL; entry = fts_read(walk)) {
        if (!visit(&copying, walk, entry, strlen(root), error)) {
            return false;
        }
        errno = 0;
    }
    if (errno != 0) {
        return error_set(error, ERROR_INTERNAL, "the folder '%s' cannot be read: %m", root);
    }
    *counts_out = copying.counts;
    return true;
}
