/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object store: files under keys such as "artifacts/<run>/<item>/<attempt>/<name>". An object
 * is complete or absent: it is written beside its place, synced and renamed. No key and no link
 * inside the store's folder leads out of it.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/text.h"

typedef struct ObjectStore ObjectStore;

typedef struct ObjectFacts {
    int64_t size_bytes;
    uint32_t crc32c;
} ObjectFacts;

/* Opens the folder, which is made when it is missing; any thread may use the store. */
MUST_CHECK bool objectstore_open(const char *folder, ObjectStore **store_out, Error *error);
void objectstore_close(ObjectStore *store);

/* A key has 1 to OBJECT_KEY_BYTES_MAX bytes of UTF-8 without control characters; its segments are
 * neither empty nor "." nor ".." and the first does not begin with '.'. */
bool object_key_valid(Text key);

/* Copies the file into the store (a move would change the owner of what a sandbox wrote). */
MUST_CHECK bool objectstore_put_file(ObjectStore *store,
                                     const char *object_key,
                                     const char *path,
                                     ObjectFacts *facts_out,
                                     Error *error);
/* As objectstore_put_file, from an open file; reads from where it stands to its end. `abort`, set
 * by another thread, stops it (ERROR_CONFLICT); it may be NULL. */
MUST_CHECK bool objectstore_put_fd(ObjectStore *store,
                                   const char *object_key,
                                   int fd,
                                   const atomic_bool *abort,
                                   ObjectFacts *facts_out,
                                   Error *error);
/* ERROR_NOT_FOUND when there is none. The caller closes *fd_out (AUTO_FD). */
MUST_CHECK bool objectstore_read(const ObjectStore *store,
                                 const char *object_key,
                                 int *fd_out,
                                 int64_t *size_bytes_out,
                                 Error *error);
/* A missing object is fine. */
MUST_CHECK bool objectstore_remove(ObjectStore *store, const char *object_key, Error *error);
/* Removes every object below the folder that the prefix names ("artifacts/<run>/<item>"). */
MUST_CHECK bool objectstore_remove_prefix(ObjectStore *store, const char *prefix, Error *error);

/* The names directly below a folder ("artifacts/<run>") in byte order, from the first one behind
 * `after` ("" is before all): at most NAMES_MAX. A missing folder has none. */
enum { OBJECT_NAMES_MAX = 1000 };
typedef struct ObjectNames {
    char **names; /* owned */
    size_t count;
} ObjectNames;
MUST_CHECK bool objectstore_list(const ObjectStore *store,
                                 const char *folder,
                                 const char *after,
                                 ObjectNames *names_out,
                                 Error *error);
void object_names_clear(ObjectNames *names);
#define AUTO_OBJECT_NAMES CLEANUP(object_names_clear) ObjectNames

/* Removes what uploads that never ended left behind: files that nobody wrote to since then. */
MUST_CHECK bool objectstore_sweep_uploads(ObjectStore *store, int64_t before_us, Error *error);

/* An object that arrives in pieces. */
typedef struct ObjectUpload ObjectUpload;
MUST_CHECK bool upload_begin(ObjectStore *store,
                             const char *object_key,
                             int64_t bytes_max,
                             ObjectUpload **upload_out,
                             Error *error);
/* ERROR_LIMIT past bytes_max or when the disk is full. */
MUST_CHECK bool upload_write(ObjectUpload *upload, const void *bytes, size_t length, Error *error);
/* Puts the object in its place. The upload is to be destroyed in any case. */
MUST_CHECK bool upload_commit(ObjectUpload *upload, ObjectFacts *facts_out, Error *error);
/* Drops what was not committed. */
void upload_destroy(ObjectUpload *upload);
