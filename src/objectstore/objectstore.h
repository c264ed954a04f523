/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object store: files under keys such as "artifacts/<run>/<item>/<attempt>/<name>". An object
 * is complete or absent. Two back ends: `local`, a folder, where an object is written beside its
 * place, synced and renamed, and no key and no link leads out; and `s3`, a bucket
 * (docs/object-stores.md).
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

typedef struct ObjectStore ObjectStore;
struct S3Bucket;
struct S3Options;

typedef struct ObjectFacts {
    int64_t size_bytes;
    uint32_t crc32c;
} ObjectFacts;

/* Opens the folder, which is made when it is missing; any thread may use the store. */
MUST_CHECK bool objectstore_open(const char *folder, ObjectStore **store_out, Error *error);
/* Opens a bucket. Nothing is sent. */
MUST_CHECK bool objectstore_open_s3(const struct S3Options *options,
                                    const Clock *clock,
                                    ObjectStore **store_out,
                                    Error *error);
void objectstore_close(ObjectStore *store);
/* The bucket of a store that is one, for URLs (sign.h); NULL: it is `local`. */
const struct S3Bucket *objectstore_bucket(const ObjectStore *store);
/* Whether the store answers and lets us in. ERROR_UNAVAILABLE: perhaps later. */
MUST_CHECK bool objectstore_check(ObjectStore *store, Error *error);

/* A key has 1 to OBJECT_KEY_BYTES_MAX bytes of UTF-8 without control characters; its segments are
 * neither empty nor "." nor ".." and the first does not begin with '.'. */
bool object_key_valid(Text key);

/* Copies the regular file into the store, from where it stands to its end (a move would change the
 * owner of what a sandbox wrote). `abort`, set by another thread, stops it (ERROR_CONFLICT); it may
 * be NULL. */
MUST_CHECK bool objectstore_put_fd(ObjectStore *store,
                                   const char *object_key,
                                   int fd,
                                   const atomic_bool *abort,
                                   ObjectFacts *facts_out,
                                   Error *error);
/* Where an object is copied to. */
typedef struct ObjectTarget {
    int fd;
    int64_t bytes_max;        /* ERROR_LIMIT: it has more */
    const atomic_bool *abort; /* set by another thread: ERROR_CONFLICT; may be NULL */
} ObjectTarget;
/* Copies the object, and computes its checksum. ERROR_NOT_FOUND when there is none, ERROR_INTERNAL
 * when the target cannot be written. */
MUST_CHECK bool objectstore_fetch(ObjectStore *store,
                                  const char *object_key,
                                  const ObjectTarget *target,
                                  ObjectFacts *facts_out,
                                  Error *error);
/* ERROR_NOT_FOUND when there is none. */
MUST_CHECK bool
objectstore_size(ObjectStore *store, const char *object_key, int64_t *size_bytes_out, Error *error);
/* Whether the store has an object with the bytes of this regular file, by size and checksum. */
MUST_CHECK bool objectstore_holds(
    ObjectStore *store, const char *object_key, int fd, bool *holds_out, Error *error);
/* Of `local` alone. ERROR_NOT_FOUND when there is none. The caller closes *fd_out (AUTO_FD). */
MUST_CHECK bool objectstore_read(const ObjectStore *store,
                                 const char *object_key,
                                 int *fd_out,
                                 int64_t *size_bytes_out,
                                 Error *error);
/* A missing object is fine. */
MUST_CHECK bool objectstore_remove(ObjectStore *store, const char *object_key, Error *error);
/* Removes every object below the folder that the prefix names ("artifacts/<run>/<item>"). */
MUST_CHECK bool objectstore_remove_prefix(ObjectStore *store, const char *prefix, Error *error);

/* The names directly below a folder ("artifacts/<run>"), at most OBJECT_NAMES_MAX; the next ones
 * are behind `cursor`, the one of the list before (NULL: from the first one on). A missing folder
 * has none. */
enum { OBJECT_NAMES_MAX = 1000 };
typedef struct ObjectNames {
    char **names; /* owned */
    size_t count;
    char *cursor; /* owned; NULL: there are no more */
} ObjectNames;
MUST_CHECK bool objectstore_list(ObjectStore *store,
                                 const char *folder,
                                 const char *cursor,
                                 ObjectNames *names_out,
                                 Error *error);
void object_names_clear(ObjectNames *names);
#define AUTO_OBJECT_NAMES CLEANUP(object_names_clear) ObjectNames

/* Removes what uploads that never ended left behind: files that nobody wrote to since then,
 * multipart uploads that were begun before then. */
MUST_CHECK bool objectstore_sweep_uploads(ObjectStore *store, int64_t before_us, Error *error);

/* An object that arrives in pieces, of `local` alone. */
typedef struct ObjectUpload ObjectUpload;
MUST_CHECK bool upload_begin(ObjectStore *store,
                             const char *object_key,
                             int64_t bytes_max,
                             ObjectUpload **upload_out,
                             Error *error);
/* ERROR_LIMIT past bytes_max, ERROR_UNAVAILABLE when the disk is full or fails. */
MUST_CHECK bool upload_write(ObjectUpload *upload, const void *bytes, size_t length, Error *error);
/* Puts the object in its place. The upload is to be destroyed in any case. */
MUST_CHECK bool upload_commit(ObjectUpload *upload, ObjectFacts *facts_out, Error *error);
/* Drops what was not committed. */
void upload_destroy(ObjectUpload *upload);
