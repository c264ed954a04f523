/* SPDX-License-Identifier: Apache-2.0 */
/* The options of bubblewrap; see bubblewrap.h. */
#include "sandbox/bubblewrap.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "sandbox/enclosure.h"

#define BUBBLEWRAP "/usr/bin/bwrap"

enum { OPTIONS_BYTES_MAX = 65536, LINK_BYTES_MAX = 256 };

/* Shared memory is of no process until it is mapped, so it has a bound of its own. */
enum { SHARED_MEMORY_PART = 4 };

/* Each ends in NUL, as bubblewrap's --args reads them. */
static void add(Buffer *options, const char *word)
{
    buffer_append(options, word, strlen(word) + 1);
}

static void add_all(Buffer *options, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(options, words[i]);
    }
}

static void add_three(Buffer *options, const char *option, const char *first, const char *second)
{
    add(options, option);
    add(options, first);
    add(options, second);
}

static void add_number(Buffer *options, const char *option, int64_t value)
{
    AUTO_FREE char *text = alloc_format("%lld", (long long)value);
    add(options, option);
    add(options, text);
}

static void add_environment(Buffer *options)
{
    static const char *const VARIABLES[][2] = {
        {"SLIDEWAY_INPUT", "/work/input.json"},
        {"SLIDEWAY_OUTPUT", "/work/output"},
        {"HOME", "/work"},
        {"TMPDIR", "/work/tmp"},
        {"PATH", "/usr/bin:/bin"},
        {"LANG", "C.UTF-8"},
        {"USER", "application"},
        {"LOGNAME", "application"},
#ifdef __SANITIZE_ADDRESS__
        /* The leak check needs ptrace. */
        {"ASAN_OPTIONS", "detect_leaks=0"},
#endif
    };
    add(options, "--clearenv");
    for (size_t i = 0; i < ARRAY_COUNT(VARIABLES); i++) {
        add_three(options, "--setenv", VARIABLES[i][0], VARIABLES[i][1]);
    }
}

/* /bin, /lib, … are links into /usr, or folders on a machine that still keeps them apart. */
static void add_system_folders(Buffer *options)
{
    static const char *const FOLDERS[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
    add_three(options, "--ro-bind", "/usr", "/usr");
    for (size_t i = 0; i < ARRAY_COUNT(FOLDERS); i++) {
        char target[LINK_BYTES_MAX];
        ssize_t length = readlink(FOLDERS[i], target, sizeof target - 1);
        if (length > 0) {
            target[length] = '\0';
            add_three(options, "--symlink", target, FOLDERS[i]);
        } else {
            add_three(options, "--ro-bind-try", FOLDERS[i], FOLDERS[i]);
        }
    }
    static const char *const FILES[] = {"/etc/ld.so.cache", "/etc/alternatives"};
    for (size_t i = 0; i < ARRAY_COUNT(FILES); i++) {
        add_three(options, "--ro-bind-try", FILES[i], FILES[i]);
    }
}

static void add_work_folders(Buffer *options)
{
    add_three(options, "--ro-bind", ENCLOSURE_APPLICATION, "/application");
    add_three(options, "--bind", ENCLOSURE_SCRATCH, "/work");
    add_three(options, "--ro-bind", ENCLOSURE_SCRATCH "/input", "/work/input");
    add_three(options, "--ro-bind", ENCLOSURE_SCRATCH "/input.json", "/work/input.json");
    add_three(options, "--bind", ENCLOSURE_SCRATCH "/tmp", "/tmp");
    add(options, "--chdir");
    add(options, "/work");
}

static void add_options(Buffer *options, const SandboxPlan *plan, int policy_fd)
{
    static const char *const CONFINEMENT[] = {
        "--unshare-user",    "--unshare-ipc", "--unshare-pid", "--unshare-net",
        "--unshare-uts",     "--hostname",    "sandbox",       "--unshare-cgroup-try",
        "--die-with-parent", "--new-session", "--cap-drop",    "ALL",
    };
    static const char *const DEVICES[] = {"--proc", "/proc", "--dev", "/dev"};
    /* The folders that bubblewrap made itself are no place to write to. */
    static const char *const SEAL[] = {"--tmpfs", "/dev/shm",     "--remount-ro",
                                       "/dev",    "--remount-ro", "/"};
    add_all(options, CONFINEMENT, ARRAY_COUNT(CONFINEMENT));
    add_environment(options);
    add_system_folders(options);
    add_work_folders(options);
    add_all(options, DEVICES, ARRAY_COUNT(DEVICES));
    add_number(options, "--size", plan->limits.memory_bytes / SHARED_MEMORY_PART);
    add_all(options, SEAL, ARRAY_COUNT(SEAL));
    add_number(options, "--seccomp", policy_fd);
    add_number(options, "--json-status-fd", SANDBOX_REPORT_FD);
}

/* Options in a file, not in the arguments: the application can read those of its init process. */
static bool write_options(const SandboxPlan *plan, int policy_fd, int *fd_out, Error *error)
{
    AUTO_BUFFER options;
    buffer_init(&options, OPTIONS_BYTES_MAX);
    add_options(&options, plan, policy_fd);
    if (options.overflow) {
        return error_set(error, ERROR_LIMIT, "the sandbox has too many options");
    }
    AUTO_FD fd = memfd_create("options", 0);
    if (fd < 0) {
        return error_set(error, ERROR_INTERNAL, "cannot make room for the sandbox's options: %m");
    }
    if (!fd_write_all(fd, options.bytes, options.length, error)) {
        return false;
    }
    if (lseek(fd, 0, SEEK_SET) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot rewind the sandbox's options: %m");
    }
    *fd_out = TAKE_FD(fd);
    return true;
}

void bubblewrap_execute(const SandboxPlan *plan, int policy_fd, Error *error)
{
    AUTO_FD options_fd = -1;
    if (!write_options(plan, policy_fd, &options_fd, error)) {
        return;
    }
    size_t count = 0;
    while (plan->command[count] != NULL) {
        count++;
    }
    AUTO_FREE char *descriptor = alloc_format("%d", options_fd);
    const char *const before[] = {"bwrap", "--args", descriptor, "--"};
    AUTO_FREE const char **words = alloc_zeroed(ARRAY_COUNT(before) + count + 1, sizeof *words);
    memcpy(words, before, sizeof before);
    memcpy(words + ARRAY_COUNT(before), plan->command, count * sizeof *words);
    char *const environment[] = {NULL};
    execve(BUBBLEWRAP, (char *const *)words, environment);
    error_set(error, ERROR_UNAVAILABLE, "cannot start %s: %m", BUBBLEWRAP);
}
