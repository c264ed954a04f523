/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and processes of a sandbox; see process_tree.h. */
#include "sandbox/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/alloc.h"
#include "base/parse.h"

enum {
    FACTS_BYTES_MAX = 8192,
    NAME_BYTES_MAX = 320, /* a name of a folder's entry, and more */
    BYTES_PER_KIB = 1024,
    BLOCK_BYTES = 512,
    UNNAMED_FILES_MAX = 4096,
    NUMBER_BYTES_MAX = 32,
    MAPS_BYTES = 65536
};

int process_tree_open(pid_t init)
{
    AUTO_FREE char *path = alloc_format("/proc/%d/root/proc", (int)init);
    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct statfs kind;
    struct stat found;
    struct stat ours;
    if (fd < 0 || fstatfs(fd, &kind) != 0 || kind.f_type != PROC_SUPER_MAGIC ||
        fstat(fd, &found) != 0 || stat("/proc", &ours) != 0 || found.st_dev == ours.st_dev) {
        return -1;
    }
    return TAKE_FD(fd);
}

/* "   1234 kB" */
static int64_t kib_of(Text value)
{
    value = text_trim(value);
    Text digits = text_split(&value, ' ');
    int64_t kib = 0;
    return parse_int64(digits, 0, INT64_MAX / BYTES_PER_KIB, &kib) ? kib * BYTES_PER_KIB : 0;
}

ProcessFacts process_facts_parse(Text status)
{
    ProcessFacts facts = {.resident_bytes = 0};
    while (status.length > 0) {
        Text value = text_split(&status, '\n');
        Text name = text_split(&value, ':');
        if (text_is(name, "VmRSS")) {
            facts.resident_bytes = kib_of(value);
        } else if (text_is(name, "VmHWM")) {
            facts.peak_resident_bytes = kib_of(value);
        }
    }
    return facts;
}

int64_t process_pss_parse(Text rollup)
{
    while (rollup.length > 0) {
        Text value = text_split(&rollup, '\n');
        if (text_is(text_split(&value, ':'), "Pss")) {
            return kib_of(value);
        }
    }
    return -1;
}

/* The start of a small file of a process; empty when the process is gone. */
static Text read_fact(int proc_fd, const char *pid, const char *name, char *bytes)
{
    char path[NAME_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s", pid, name);
    AUTO_FD fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, bytes, FACTS_BYTES_MAX);
    return (Text){bytes, got > 0 ? (size_t)got : 0};
}

static void cleanup_dir(DIR **folder)
{
    if (*folder != NULL) {
        closedir(*folder);
    }
}
#define AUTO_DIR CLEANUP(cleanup_dir) DIR

/* A new look at the folder, from its start. */
static DIR *open_folder(int at_fd, const char *path)
{
    int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && folder == NULL) {
        close(fd);
    }
    return folder;
}

/* The next entry whose name is a number; NULL at the end. */
static const char *next_number(DIR *folder)
{
    const struct dirent *entry = folder == NULL ? NULL : readdir(folder);
    while (entry != NULL && (entry->d_name[0] < '0' || entry->d_name[0] > '9')) {
        entry = readdir(folder);
    }
    return entry == NULL ? NULL : entry->d_name;
}

int64_t process_tree_exact_bytes(int proc_fd)
{
    char bytes[FACTS_BYTES_MAX];
    int64_t total = 0;
    AUTO_DIR *processes = open_folder(proc_fd, ".");
    for (const char *pid = next_number(processes); pid != NULL; pid = next_number(processes)) {
        int64_t pss = process_pss_parse(read_fact(proc_fd, pid, "smaps_rollup", bytes));
        if (pss < 0) {
            pss = process_facts_parse(read_fact(proc_fd, pid, "status", bytes)).resident_bytes;
        }
        total += pss;
    }
    return total;
}

TreeUsage process_tree_measure(int proc_fd)
{
    char bytes[FACTS_BYTES_MAX];
    TreeUsage usage = {.processes = 0};
    AUTO_DIR *processes = open_folder(proc_fd, ".");
    for (const char *pid = next_number(processes); pid != NULL; pid = next_number(processes)) {
        ProcessFacts facts = process_facts_parse(read_fact(proc_fd, pid, "status", bytes));
        usage.resident_bytes += facts.resident_bytes;
        usage.processes++;
        usage.peak_resident_bytes = facts.peak_resident_bytes > usage.peak_resident_bytes
                                        ? facts.peak_resident_bytes
                                        : usage.peak_resident_bytes;
    }
    return usage;
}

typedef struct UnnamedFiles {
    dev_t device;
    size_t count;
    struct {
        ino_t inode;
        int64_t bytes;
    } file[UNNAMED_FILES_MAX];
    int64_t bytes;
} UnnamedFiles;

/* The same file may be open and mapped in many places. */
static void add_unnamed(UnnamedFiles *files, ino_t inode, int64_t bytes)
{
    size_t i = 0;
    while (i < files->count && files->file[i].inode != inode) {
        i++;
    }
    int64_t known = i < files->count ? files->file[i].bytes : 0;
    if (i < UNNAMED_FILES_MAX && bytes > known) {
        files->file[i].inode = inode;
        files->file[i].bytes = bytes;
        files->count = i == files->count ? i + 1 : files->count;
    }
    files->bytes += bytes > known ? bytes - known : 0;
}

static void add_open_files(UnnamedFiles *files, int proc_fd, const char *pid)
{
    char path[NAME_BYTES_MAX];
    snprintf(path, sizeof path, "%s/fd", pid);
    AUTO_DIR *descriptors = open_folder(proc_fd, path);
    for (const char *fd = next_number(descriptors); fd != NULL; fd = next_number(descriptors)) {
        struct stat status;
        if (fstatat(dirfd(descriptors), fd, &status, 0) == 0 && S_ISREG(status.st_mode) &&
            status.st_nlink == 0 && status.st_dev == files->device) {
            add_unnamed(files, status.st_ino, (int64_t)status.st_blocks * BLOCK_BYTES);
        }
    }
}

static bool parse_number(Text text, int base, uint64_t *value_out)
{
    char digits[NUMBER_BYTES_MAX];
    char *end = NULL;
    if (text.length == 0 || !text_copy(text, digits, sizeof digits)) {
        return false;
    }
    *value_out = strtoull(digits, &end, base);
    return *end == '\0';
}

bool process_mapping_parse(Text line, dev_t device, ino_t *inode_out, int64_t *end_out)
{
    if (!text_ends_with(line, " (deleted)")) {
        return false;
    }
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t offset = 0;
    uint64_t major_number = 0;
    uint64_t minor_number = 0;
    uint64_t inode = 0;
    Text last = text_split(&line, ' ');
    Text first = text_split(&last, '-');
    text_split(&line, ' '); /* the permissions */
    Text offset_text = text_split(&line, ' ');
    Text minor_text = text_split(&line, ' ');
    Text major_text = text_split(&minor_text, ':');
    if (!parse_number(first, 16, &start) || !parse_number(last, 16, &end) ||
        !parse_number(offset_text, 16, &offset) || !parse_number(major_text, 16, &major_number) ||
        !parse_number(minor_text, 16, &minor_number) ||
        !parse_number(text_split(&line, ' '), 10, &inode) ||
        makedev((unsigned)major_number, (unsigned)minor_number) != device) {
        return false;
    }
    *inode_out = (ino_t)inode;
    *end_out = (int64_t)(offset + (end - start));
    return true;
}

static void add_mapped_file(UnnamedFiles *files, Text line)
{
    ino_t inode = 0;
    int64_t end = 0;
    if (process_mapping_parse(line, files->device, &inode, &end)) {
        add_unnamed(files, inode, end);
    }
}

/* A file that was mapped, closed and removed is in no folder and in no descriptor. */
static void add_mapped_files(UnnamedFiles *files, int proc_fd, const char *pid)
{
    char path[NAME_BYTES_MAX];
    snprintf(path, sizeof path, "%s/maps", pid);
    AUTO_FD fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    AUTO_FREE char *bytes = alloc_array(MAPS_BYTES, 1);
    size_t kept = 0; /* of an unfinished line */
    ssize_t got = fd < 0 ? 0 : read(fd, bytes, MAPS_BYTES);
    while (got > 0) {
        Text rest = {bytes, kept + (size_t)got};
        while (rest.length > 0 && memchr(rest.bytes, '\n', rest.length) != NULL) {
            add_mapped_file(files, text_split(&rest, '\n'));
        }
        kept = rest.length < MAPS_BYTES ? rest.length : 0;
        memmove(bytes, rest.bytes, kept);
        got = read(fd, bytes + kept, MAPS_BYTES - kept);
    }
}

int64_t process_tree_unnamed_bytes(int proc_fd, dev_t device)
{
    AUTO_FREE UnnamedFiles *files = ALLOC_NEW(UnnamedFiles);
    files->device = device;
    AUTO_DIR *processes = open_folder(proc_fd, ".");
    for (const char *pid = next_number(processes); pid != NULL; pid = next_number(processes)) {
        add_open_files(files, proc_fd, pid);
        add_mapped_files(files, proc_fd, pid);
    }
    return files->bytes;
}
