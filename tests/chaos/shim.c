/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into servers and workers by the chaos test: moves the machine's clock, and makes calls
 * on files fail or last, below the folder of the objects and below the scratch folder. What
 * happens stands in a file that the test writes and every process maps:
 *
 *   CHAOS_CONTROL  the file, six 64-bit numbers as in Control
 *   CHAOS_STORE, CHAOS_SCRATCH  absolute paths of the two folders
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of one folder: a share of the calls, in thousandths, ends with this errno after this time. */
typedef struct Faults {
    _Atomic int64_t per_mille;
    _Atomic int64_t number; /* 0: they only last longer */
    _Atomic int64_t delay_us;
} Faults;

typedef struct Control {
    _Atomic int64_t clock_offset_us;
    Faults store;
    Faults scratch;
} Control;

static Control NOTHING;
static Control *control = &NOTHING;
static const char *store_folder = "";
static const char *scratch_folder = "";
static _Atomic uint64_t calls;

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_fsync)(int);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_unlinkat)(int, const char *, int);
static ssize_t (*real_write)(int, const void *, size_t);

static const char *variable(const char *name)
{
    const char *value = getenv(name); /* tidy: allow it is no program of ours that reads it */
    return value == NULL ? "" : value;
}

/* Also when a constructor of another library calls one of these functions before ours has run. */
__attribute__((constructor)) static void load(void)
{
    if (real_write != NULL) {
        return;
    }
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    *(void **)&real_open = dlsym(RTLD_NEXT, "open64");
    *(void **)&real_openat = dlsym(RTLD_NEXT, "openat64");
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_renameat = dlsym(RTLD_NEXT, "renameat");
    *(void **)&real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    store_folder = variable("CHAOS_STORE");
    scratch_folder = variable("CHAOS_SCRATCH");
    int fd = real_open(variable("CHAOS_CONTROL"), O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        void *mapped = mmap(NULL, sizeof(Control), PROT_READ, MAP_SHARED, fd, 0);
        control = mapped == MAP_FAILED ? &NOTHING : mapped;
        close(fd);
    }
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return length > 0 && strncmp(path, folder, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

/* The path of a descriptor; false for what is no file. */
static bool path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0 || path[0] != '/') {
        return false;
    }
    path[length] = '\0';
    return true;
}

/* Every n-th call is hit, so that a share of 1000 hits all and no call waits for chance. */
static bool happens(const Faults *faults)
{
    uint64_t call = atomic_fetch_add(&calls, 1);
    uint64_t mixed = (call * 0x9E3779B97F4A7C15U) >> 32;
    return (int64_t)(mixed % 1000) < atomic_load(&faults->per_mille);
}

/* True: the call ends with errno set. A full disk refuses only what grows. */
static bool fails_at(const char *path, bool grows)
{
    const Faults *faults = is_below(path, store_folder)     ? &control->store
                           : is_below(path, scratch_folder) ? &control->scratch
                                                            : NULL;
    if (faults == NULL || atomic_load(&faults->per_mille) == 0 || !happens(faults)) {
        return false;
    }
    int64_t delay_us = atomic_load(&faults->delay_us);
    int number = (int)atomic_load(&faults->number);
    number = number == ENOSPC && !grows ? 0 : number;
    if (delay_us > 0) {
        usleep((useconds_t)delay_us);
    }
    errno = number;
    return number != 0;
}

static bool is_quiet(void)
{
    return atomic_load(&control->store.per_mille) == 0 &&
           atomic_load(&control->scratch.per_mille) == 0;
}

static bool fails_on(int fd, bool grows)
{
    char path[PATH_MAX];
    return !is_quiet() && path_of(fd, path) && fails_at(path, grows);
}

static bool fails_below(int at_fd, const char *path, bool grows)
{
    return !is_quiet() &&
           (path[0] == '/' ? fails_at(path, grows) : at_fd >= 0 && fails_on(at_fd, grows));
}

int clock_gettime(clockid_t id, struct timespec *at)
{
    load();
    int failed = real_clock_gettime(id, at);
    if (failed == 0 && id == CLOCK_REALTIME) {
        int64_t offset_us = atomic_load(&control->clock_offset_us);
        int64_t nanos = at->tv_nsec + offset_us % 1000000 * 1000;
        int64_t carry = nanos < 0 ? -1 : nanos / 1000000000;
        at->tv_sec += offset_us / 1000000 + carry;
        at->tv_nsec = nanos - carry * 1000000000;
    }
    return failed;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open64(const char *path, int flags, ...)
{
    load();
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails_below(AT_FDCWD, path, (flags & O_CREAT) != 0) ? -1 : real_open(path, flags, mode);
}

int openat64(int at_fd, const char *path, int flags, ...)
{
    load();
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    bool grows = (flags & O_CREAT) != 0;
    return fails_below(at_fd, path, grows) ? -1 : real_openat(at_fd, path, flags, mode);
}

int fsync(int fd)
{
    load();
    return fails_on(fd, true) ? -1 : real_fsync(fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    load();
    return fails_below(from_fd, from, false) ? -1 : real_renameat(from_fd, from, to_fd, to);
}

int unlinkat(int at_fd, const char *path, int flags)
{
    load();
    return fails_below(at_fd, path, false) ? -1 : real_unlinkat(at_fd, path, flags);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    load();
    return fails_on(fd, true) ? -1 : real_write(fd, bytes, length);
}
