/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts with another owner; see owner.h and mount_setattr(2), "ID-mapped mounts". */
#include "sandbox/owner.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/file.h"

static bool write_map(pid_t holder, const char *name, unsigned owner, unsigned shown_as)
{
    Error ignored = {0};
    AUTO_FREE char *path = alloc_format("/proc/%d/%s", (int)holder, name);
    AUTO_FREE char *map = alloc_format("%u %u 1", owner, shown_as);
    AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && fd_write_all(fd, map, strlen(map), &ignored);
}

/* The child only holds the namespace until it is opened; should we die, it dies with us. */
static pid_t start_holder(int ready)
{
    pid_t pid = fork(); /* tidy: allow the launcher has one thread, and nothing is executed */
    if (pid != 0) {
        return pid;
    }
    char byte = unshare(CLONE_NEWUSER) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
    ssize_t told = write(ready, &byte, 1);
    bool waiting = told == 1;
    while (waiting) {
        waiting = pause() != 0;
    }
    _exit(1);
}

static bool is_ready(int ready)
{
    char byte = 0;
    return read(ready, &byte, 1) == 1 && byte == 1;
}

static int open_namespace(pid_t holder, const struct stat *folder, uid_t shown_as)
{
    if (!write_map(holder, "uid_map", folder->st_uid, shown_as) ||
        !write_map(holder, "gid_map", folder->st_gid, shown_as)) {
        return -1;
    }
    AUTO_FREE char *path = alloc_format("/proc/%d/ns/user", (int)holder);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* A user namespace in which the folder's owner is called `shown_as` outside; -1: there is none. */
static int make_namespace(int folder_fd, uid_t shown_as)
{
    int ready[2];
    struct stat folder;
    if (fstat(folder_fd, &folder) != 0 || pipe2(ready, O_CLOEXEC) != 0) {
        return -1;
    }
    AUTO_FD ready_read = ready[0];
    AUTO_FD ready_write = ready[1];
    pid_t holder = start_holder(ready_write);
    if (holder < 0) {
        return -1;
    }
    int namespace = is_ready(ready_read) ? open_namespace(holder, &folder, shown_as) : -1;
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    return namespace;
}

bool owner_bind(int folder_fd, const char *target, uid_t shown_as)
{
    AUTO_FD namespace = make_namespace(folder_fd, shown_as);
    AUTO_FD tree = namespace < 0 ? -1
                                 : open_tree(folder_fd, "",
                                             AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) {
        return false;
    }
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (__u64) namespace};
    return mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0 &&
           move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}
