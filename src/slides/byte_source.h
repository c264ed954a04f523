/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a file, or of a part of one, at any offset. A part may be deflated (an entry of a zip
 * archive): it is then inflated as far as a read needs it, never as a whole and never to disk.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct ByteSource ByteSource;

/* A regular file. `folder` is a descriptor, and the name is then no link, or AT_FDCWD. */
MUST_CHECK bool
byte_source_open(int folder, const char *name, ByteSource **source_out, Error *error);
/* `length` bytes at `start` of `whole`, which must outlive the part and must not be deflated. */
MUST_CHECK bool byte_source_part(
    ByteSource *whole, uint64_t start, uint64_t length, ByteSource **source_out, Error *error);
/* What the raw deflate stream in `stored`, which it takes over, makes: `inflated_length` bytes. */
ByteSource *byte_source_inflated(ByteSource *stored, uint64_t inflated_length);
/* NULL is allowed. */
void byte_source_close(ByteSource *source);

uint64_t byte_source_length(const ByteSource *source);
/* Exactly `count` bytes; fails with ERROR_INVALID when the source is shorter or broken. */
MUST_CHECK bool
byte_source_read(ByteSource *source, uint64_t offset, void *bytes_out, size_t count, Error *error);

static inline void cleanup_byte_source(ByteSource **source)
{
    byte_source_close(*source);
}
#define AUTO_BYTE_SOURCE CLEANUP(cleanup_byte_source) ByteSource
