/* SPDX-License-Identifier: Apache-2.0 */
/* Finding what belongs to this program; see programs.h. */
#include "up/programs.h"

#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/alloc.h"

char *program_self(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length < 0 ? 0 : length] = '\0';
    return alloc_string(path);
}

static bool exists(const char *path, mode_t kind)
{
    struct stat status;
    return stat(path, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

bool program_beside(const char *name, char **path_out, Error *error)
{
    AUTO_FREE char *self = program_self();
    AUTO_FREE char *path = alloc_format("%s/%s", dirname(self), name);
    if (!exists(path, S_IFREG)) {
        return error_set(error, ERROR_UNAVAILABLE, "the program '%s' is missing", path);
    }
    *path_out = TAKE(path);
    return true;
}

/* NULL when there is no such folder, neither of an installation nor of the build tree. */
static char *find_bundled(const char *name)
{
    static const char *const PLACES[] = {"../share/slideway", ".."};
    AUTO_FREE char *self = program_self();
    const char *folder = dirname(self);
    for (size_t i = 0; i < ARRAY_COUNT(PLACES); i++) {
        AUTO_FREE char *path = alloc_format("%s/%s/%s", folder, PLACES[i], name);
        if (exists(path, S_IFDIR)) {
            char *absolute = realpath(path, NULL);
            return absolute != NULL ? absolute : TAKE(path);
        }
    }
    return NULL;
}

bool bundled_applications(char **folder_out, Error *error)
{
    *folder_out = find_bundled("applications");
    if (*folder_out == NULL) {
        AUTO_FREE char *self = program_self();
        return error_set(error, ERROR_UNAVAILABLE, "the bundled applications are not beside '%s'",
                         self);
    }
    return true;
}

char *bundled_explorer(void)
{
    return find_bundled("explorer");
}
