/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole reads with a maximum, and writes that are either complete or absent. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/text.h"

/* What stands behind the last slash, or all of it. */
const char *path_name(const char *path);
/* Whether the path ends so; upper and lower case are the same. */
bool path_ends_with(const char *path, const char *ending);

/* Reads all of a file of at most `bytes_max` bytes; *bytes_out is NUL-terminated, AUTO_FREE. */
MUST_CHECK bool
file_read(const char *path, size_t bytes_max, char **bytes_out, size_t *length_out, Error *error);
/* Writes beside the target, syncs, renames over it and syncs the folder. */
MUST_CHECK bool file_write(const char *path, Text content, mode_t mode, Error *error);
/* Makes the folder and the missing ones above it. */
MUST_CHECK bool folder_create(const char *path, mode_t mode, Error *error);
/* Removes a tree of any depth without following links; a missing one is fine. Folders of ours that
 * lost their permissions are removed too. */
MUST_CHECK bool folder_remove(const char *path, Error *error);
/* read(2) until `length` bytes are read or the file ends: how many, or -1 with errno set. */
MUST_CHECK ssize_t fd_read_all(int fd, void *bytes_out, size_t length);
/* The same from a place in the file, as pread(2). */
MUST_CHECK ssize_t fd_read_all_at(int fd, off_t offset, void *bytes_out, size_t length);
/* write(2) until all is written. */
MUST_CHECK bool fd_write_all(int fd, const void *bytes, size_t length, Error *error);
