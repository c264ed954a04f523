/* SPDX-License-Identifier: Apache-2.0 */
/* The data folder; see layout.h. */
#include "up/layout.h"

#include <errno.h>
#include <limits.h>
#include <openssl/sha.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/file.h"

/* A new cluster has 40 MB; below this nothing useful can run. */
#define FREE_BYTES_MIN (160ULL * 1024 * 1024)
/* sun_path has 108 bytes, of which "/.s.PGSQL.5432.lock" takes 19 and NUL one. */
enum { SOCKET_FOLDER_BYTES_MAX = 80, HASH_BYTES = 6, PRIVATE_MODE = 0700, OPEN_MODE = 0755 };

static bool make_folder(const char *path, mode_t mode, Error *error)
{
    struct stat status;
    bool existed = stat(path, &status) == 0;
    if (!folder_create(path, mode, error)) {
        return false;
    }
    /* The mode of a folder that was there is its owner's decision, but ours inside are private. */
    if ((!existed || mode == PRIVATE_MODE) && chmod(path, mode) != 0) {
        return error_set(error, ERROR_FORBIDDEN, "cannot set the mode of '%s': %m", path);
    }
    return true;
}

static bool check_space(const char *data, Error *error)
{
    struct statvfs space;
    if (statvfs(data, &space) != 0) {
        return error_set(error, ERROR_FORBIDDEN, "cannot look at '%s': %m", data);
    }
    unsigned long long free_bytes = (unsigned long long)space.f_bavail * space.f_frsize;
    if (free_bytes < FREE_BYTES_MIN) {
        return error_set(error, ERROR_LIMIT,
                         "the disk of '%s' is full: %llu MiB are free, at least %llu are needed",
                         data, free_bytes >> 20, FREE_BYTES_MIN >> 20);
    }
    return true;
}

static bool resolve(const char *path, char **absolute_out, Error *error)
{
    char *absolute = realpath(path, NULL);
    if (absolute == NULL) {
        return error_set(error, ERROR_FORBIDDEN, "cannot enter '%s': %m", path);
    }
    *absolute_out = absolute;
    return true;
}

/* Two platforms on one machine must not share a short folder: it is named after the data folder's
 * path. */
static char *short_folder_of(const char *data)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)data, strlen(data), digest);
    char hash[2 * HASH_BYTES + 1];
    for (int i = 0; i < HASH_BYTES; i++) {
        snprintf(hash + (ptrdiff_t)2 * i, 3, "%02x", digest[i]);
    }
    return geteuid() == 0 ? alloc_format("/run/slideway/%s", hash)
                          : alloc_format("/tmp/slideway-%u-%s", (unsigned)geteuid(), hash);
}

static bool find_database_user(Layout *layout, Error *error)
{
    layout->database_uid = geteuid();
    layout->database_gid = getegid();
    if (geteuid() != 0) {
        return true;
    }
    const struct passwd *user = getpwnam("postgres");
    user = user != NULL ? user : getpwnam("nobody");
    if (user == NULL) {
        return error_set(error, ERROR_UNAVAILABLE,
                         "PostgreSQL does not run as root, and neither the user 'postgres' nor "
                         "'nobody' exists");
    }
    layout->database_uid = user->pw_uid;
    layout->database_gid = user->pw_gid;
    return true;
}

bool layout_create(const char *data, Layout *layout_out, Error *error)
{
    AUTO_LAYOUT layout = {0};
    if (!make_folder(data, OPEN_MODE, error) || !resolve(data, &layout.data, error)) {
        return false;
    }
    layout.objects = alloc_format("%s/objects", layout.data);
    layout.secrets = alloc_format("%s/secrets", layout.data);
    layout.run = alloc_format("%s/run", layout.data);
    layout.log = alloc_format("%s/log", layout.data);
    layout.cluster = alloc_format("%s/postgres", layout.data);
    layout.short_folder = short_folder_of(layout.data);
    if (!find_database_user(&layout, error) || !check_space(layout.data, error) ||
        !make_folder(layout.run, PRIVATE_MODE, error) ||
        !make_folder(layout.log, PRIVATE_MODE, error) ||
        !make_folder(layout.secrets, PRIVATE_MODE, error) ||
        !make_folder(layout.objects, PRIVATE_MODE, error)) {
        return false;
    }
    *layout_out = layout;
    layout = (Layout){0};
    return true;
}

void layout_clear(Layout *layout)
{
    char *owned[] = {layout->data,         layout->objects,      layout->secrets,
                     layout->run,          layout->log,          layout->cluster,
                     layout->cluster_used, layout->scratch_used, layout->short_folder,
                     layout->socket};
    for (size_t i = 0; i < ARRAY_COUNT(owned); i++) {
        alloc_free(owned[i]);
    }
    *layout = (Layout){0};
}

/* Whether any user may enter the folder and all above it. */
static bool path_open_to_all(const char *path)
{
    AUTO_FREE char *copy = alloc_string(path);
    for (;;) {
        struct stat status;
        if (stat(copy[0] == '\0' ? "/" : copy, &status) != 0 || (status.st_mode & S_IXOTH) == 0) {
            return false;
        }
        char *slash = strrchr(copy, '/');
        if (slash == NULL || copy[0] == '\0') {
            return true;
        }
        *slash = '\0';
    }
}

/* The short folder is made by nobody else: in /tmp it must be ours and no link. */
static bool make_short_folder(const Layout *layout, Error *error)
{
    bool is_root = geteuid() == 0;
    mode_t mode = is_root ? OPEN_MODE : PRIVATE_MODE;
    if (!make_folder(layout->short_folder, mode, error)) {
        return false;
    }
    struct stat status;
    if (lstat(layout->short_folder, &status) != 0 || !S_ISDIR(status.st_mode) ||
        status.st_uid != geteuid()) {
        return error_set(error, ERROR_FORBIDDEN, "'%s' belongs to somebody else",
                         layout->short_folder);
    }
    return true;
}

static bool owned_folder(const Layout *layout, const char *path, Error *error)
{
    if (!make_folder(path, PRIVATE_MODE, error)) {
        return false;
    }
    if (chown(path, layout->database_uid, layout->database_gid) != 0) {
        return error_set(error, ERROR_FORBIDDEN, "cannot give '%s' to PostgreSQL's user: %m", path);
    }
    return true;
}

/* A path that needs no quoting in a list of settings and is short enough for a socket in it. */
static bool fits_socket(const char *path)
{
    static const char PLAIN[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    return strlen(path) <= SOCKET_FOLDER_BYTES_MAX && strspn(path, PLAIN) == strlen(path);
}

static bool make_socket_folder(Layout *layout, Error *error)
{
    if (geteuid() != 0 && fits_socket(layout->run)) {
        layout->socket = alloc_string(layout->run);
        return true;
    }
    layout->socket = alloc_format("%s/socket", layout->short_folder);
    return make_short_folder(layout, error) && owned_folder(layout, layout->socket, error);
}

/* The first mount takes up and its later children into a namespace of their own. */
static bool enter_namespace(Error *error)
{
    static bool entered;
    if (entered) {
        return true;
    }
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return error_set(error, ERROR_FORBIDDEN,
                         "the data folder lies where only root may enter, and this machine does "
                         "not allow to mount it elsewhere (%m): choose another folder");
    }
    entered = true;
    return true;
}

bool layout_reach(
    const Layout *layout, const char *path, const char *name, char **used_out, Error *error)
{
    if (geteuid() != 0 || path_open_to_all(path)) {
        *used_out = alloc_string(path);
        return true;
    }
    AUTO_FREE char *used = alloc_format("%s/%s", layout->short_folder, name);
    if (!make_short_folder(layout, error) || !make_folder(used, OPEN_MODE, error) ||
        !enter_namespace(error)) {
        return false;
    }
    if (mount(path, used, NULL, MS_BIND | MS_REC, NULL) != 0) {
        return error_set(error, ERROR_FORBIDDEN, "cannot mount '%s' on '%s': %m", path, used);
    }
    *used_out = TAKE(used);
    return true;
}

bool layout_open_paths(Layout *layout, Error *error)
{
    AUTO_FREE char *scratch = alloc_format("%s/scratch", layout->data);
    if (!make_folder(scratch, OPEN_MODE, error) || !owned_folder(layout, layout->cluster, error)) {
        return false;
    }
    /* The cluster itself is closed to others; what counts is the way to it. */
    if (geteuid() != 0 || path_open_to_all(layout->data)) {
        layout->cluster_used = alloc_string(layout->cluster);
    } else if (!layout_reach(layout, layout->cluster, "postgres", &layout->cluster_used, error)) {
        return false;
    }
    return layout_reach(layout, scratch, "scratch", &layout->scratch_used, error) &&
           make_socket_folder(layout, error);
}

void layout_remove_short(const Layout *layout)
{
    static const char *const NAMES[] = {"socket", "postgres", "scratch", "applications"};
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        AUTO_FREE char *path = alloc_format("%s/%s", layout->short_folder, NAMES[i]);
        umount2(path, MNT_DETACH);
        rmdir(path);
    }
    rmdir(layout->short_folder);
}
