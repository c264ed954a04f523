/* SPDX-License-Identifier: Apache-2.0 */
/* See paged_memory.h. */
#include "analysis/paged_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

bool scratch_file_open(const char *folder, int *fd_out, Error *error)
{
    AUTO_FREE char *path = alloc_format("%s/.scratch-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        return error_set(error, ERROR_INTERNAL, "cannot create a file in '%s': %m", folder);
    }
    unlink(path);
    *fd_out = fd;
    return true;
}

bool paged_memory_open(PagedMemory *memory, const char *folder, size_t size, Error *error)
{
    AUTO_FD fd = -1;
    if (!scratch_file_open(folder, &fd, error)) {
        return false;
    }
    /* A page that the disk has no room for would end the program when it is written. */
    int failure = posix_fallocate(fd, 0, (off_t)size);
    if (failure != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot write %zu bytes into '%s': %s", size,
                         folder, strerror(failure));
    }
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        return error_set(error, ERROR_INTERNAL, "cannot map %zu bytes: %m", size);
    }
    *memory = (PagedMemory){bytes, size};
    return true;
}

void paged_memory_close(PagedMemory *memory)
{
    if (memory->bytes != NULL) {
        munmap(memory->bytes, memory->size);
    }
    *memory = (PagedMemory){NULL, 0};
}

void paged_memory_rest(const PagedMemory *memory)
{
    /* Of a shared mapping this forgets where the pages are, not what was written to them. */
    (void)madvise(memory->bytes, memory->size, MADV_DONTNEED);
}
