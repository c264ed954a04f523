/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces around bubblewrap; see enclosure.h. */
#include "sandbox/enclosure.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "sandbox/owner.h"

static bool fail(Error *error, const char *what)
{
    return error_set(error, ERROR_UNAVAILABLE, "the sandbox cannot %s: %m", what);
}

static bool write_map(const char *path, const char *map, Error *error)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(error, "map its user");
    }
    return fd_write_all(fd, map, strlen(map), error) || error_context(error, "%s", path);
}

bool enclosure_own_users(Error *error)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    AUTO_FREE char *uids = alloc_format("%u %u 1", (unsigned)uid, (unsigned)uid);
    AUTO_FREE char *gids = alloc_format("%u %u 1", (unsigned)gid, (unsigned)gid);
    /* After a change of user the maps would belong to root. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 || unshare(CLONE_NEWUSER) != 0) {
        return fail(error, "make a user namespace");
    }
    return write_map("/proc/self/uid_map", uids, error) &&
           write_map("/proc/self/setgroups", "deny", error) &&
           write_map("/proc/self/gid_map", gids, error);
}

static bool bind_folder(int fd, const char *target, uid_t owner, Error *error)
{
    AUTO_FREE char *source = alloc_format("/proc/self/fd/%d", fd);
    if (mkdir(target, 0755) != 0) {
        return fail(error, "make its folders");
    }
    if (owner != 0 && owner_bind(fd, target, owner)) {
        return true;
    }
    if (mount(source, target, NULL, MS_BIND, NULL) != 0) {
        return fail(error, "bind its folders");
    }
    return true;
}

bool enclosure_mount(const char *application_folder,
                     const char *scratch_folder,
                     uid_t uid,
                     Error *error)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return fail(error, "make a mount namespace");
    }
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) {
        return fail(error, "mount its own /proc");
    }
    /* Opened before anything covers the path to them. */
    AUTO_FD application = open(application_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (application < 0) {
        return fail(error, "open the application's folder");
    }
    AUTO_FD scratch = open(scratch_folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (scratch < 0) {
        return fail(error, "open the scratch folder");
    }
    if (mount("sandbox", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=0755") != 0) {
        return fail(error, "mount over /tmp");
    }
    return bind_folder(application, ENCLOSURE_APPLICATION, uid, error) &&
           bind_folder(scratch, ENCLOSURE_SCRATCH, 0, error);
}

bool enclosure_become(uid_t uid, Error *error)
{
    if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
        return error_set(error, ERROR_UNAVAILABLE, "the sandbox cannot become user %u: %m",
                         (unsigned)uid);
    }
    return true;
}
