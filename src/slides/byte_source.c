/* SPDX-License-Identifier: Apache-2.0 */
/* See byte_source.h. */
#include "slides/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "slides/inflater.h"

struct ByteSource {
    int fd; /* closed with the source when `owns_fd` */
    bool owns_fd;
    uint64_t start;
    uint64_t length;
    ByteSource *stored; /* of a deflated source: its compressed bytes, else NULL */
    Inflater *inflater;
};

bool byte_source_open(int folder, const char *name, ByteSource **source_out, Error *error)
{
    int no_links = folder == AT_FDCWD ? 0 : O_NOFOLLOW;
    AUTO_FD fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | no_links);
    if (fd < 0) {
        return error_set(error, ERROR_INVALID, "The file cannot be opened: %s", strerror(errno));
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return error_set(error, ERROR_INVALID, "It is not a file");
    }
    ByteSource *source = ALLOC_NEW(ByteSource);
    *source = (ByteSource){TAKE_FD(fd), true, 0, (uint64_t)status.st_size, NULL, NULL};
    *source_out = source;
    return true;
}

bool byte_source_part(
    ByteSource *whole, uint64_t start, uint64_t length, ByteSource **source_out, Error *error)
{
    if (whole->stored != NULL || start > whole->length || length > whole->length - start) {
        return error_set(error, ERROR_INVALID, "A part lies outside the file");
    }
    ByteSource *source = ALLOC_NEW(ByteSource);
    *source = (ByteSource){whole->fd, false, whole->start + start, length, NULL, NULL};
    *source_out = source;
    return true;
}

ByteSource *byte_source_inflated(ByteSource *stored, uint64_t inflated_length)
{
    ByteSource *source = ALLOC_NEW(ByteSource);
    *source = (ByteSource){-1, false, 0, inflated_length, stored, NULL};
    source->inflater = inflater_create(stored, inflated_length);
    return source;
}

void byte_source_close(ByteSource *source)
{
    if (source == NULL) {
        return;
    }
    inflater_destroy(source->inflater);
    byte_source_close(source->stored);
    if (source->owns_fd) {
        close(source->fd);
    }
    alloc_free(source);
}

uint64_t byte_source_length(const ByteSource *source)
{
    return source->length;
}

static bool
read_file(const ByteSource *source, uint64_t offset, uint8_t *bytes_out, size_t count, Error *error)
{
    ssize_t got = fd_read_all_at(source->fd, (off_t)(source->start + offset), bytes_out, count);
    if (got < 0 || (size_t)got < count) {
        return error_set(error, ERROR_INVALID, "The file cannot be read: %s",
                         got < 0 ? strerror(errno) : "it has become shorter");
    }
    return true;
}

bool byte_source_read(
    ByteSource *source, uint64_t offset, void *bytes_out, size_t count, Error *error)
{
    if (offset > source->length || count > source->length - offset) {
        return error_set(error, ERROR_INVALID, "The file ends in the middle of its data");
    }
    if (source->inflater != NULL) {
        return inflater_read(source->inflater, offset, bytes_out, count, error);
    }
    return read_file(source, offset, bytes_out, count, error);
}
