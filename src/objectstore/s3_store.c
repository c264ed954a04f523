/* SPDX-License-Identifier: Apache-2.0 */
/* The back end `s3`: objects of a bucket; see objectstore.h. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "objectstore/s3_client.h"
#include "objectstore/s3_list.h"
#include "objectstore/s3_put.h"
#include "objectstore/store.h"

typedef struct S3Store {
    ObjectStore base;
    S3Client *client;
} S3Store;

static S3Client *client_of(const ObjectStore *store)
{
    return ((const S3Store *)store)->client;
}

static void s3_close(ObjectStore *store)
{
    s3_client_destroy(client_of(store));
    alloc_free(store);
}

/* A request without a body to an object, or to the bucket. */
static bool
call_simple(ObjectStore *store, const char *method, const char *object_key, Error *error)
{
    const S3Call call = {.method = method, .object_key = object_key};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    return s3_call(client_of(store), &call, &answer, error);
}

/* An answer to HEAD would not say why it is refused. */
static bool s3_check(ObjectStore *store, Error *error)
{
    const SigV4Field query[] = {{"list-type", "2"}, {"max-keys", "1"}};
    const S3Call call = {.method = "GET", .query = query, .query_count = ARRAY_COUNT(query)};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    return s3_call(client_of(store), &call, &answer, error);
}

/* The file from where it stands to its end. */
static bool rest_of_file(int fd, FilePart *file_out, Error *error)
{
    struct stat status;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    if (fstat(fd, &status) != 0 || offset < 0 || !S_ISREG(status.st_mode)) {
        return error_set(error, ERROR_INVALID, "what is to be stored is no regular file");
    }
    *file_out = (FilePart){fd, offset, status.st_size > offset ? status.st_size - offset : 0};
    return true;
}

static bool s3_put_fd(ObjectStore *store,
                      const char *object_key,
                      int fd,
                      const atomic_bool *abort,
                      ObjectFacts *facts_out,
                      Error *error)
{
    FilePart file;
    return rest_of_file(fd, &file, error) &&
           s3_put(client_of(store), object_key, &file, abort, facts_out, error);
}

static bool s3_fetch(ObjectStore *store,
                     const char *object_key,
                     const ObjectTarget *target,
                     ObjectFacts *facts_out,
                     Error *error)
{
    const S3Target to = {target->fd, target->bytes_max};
    const S3Call call = {
        .method = "GET", .object_key = object_key, .target = &to, .abort = target->abort};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    if (!s3_call(client_of(store), &call, &answer, error)) {
        return false;
    }
    *facts_out = (ObjectFacts){answer.received_bytes, answer.crc32c};
    return true;
}

static bool
s3_size(ObjectStore *store, const char *object_key, int64_t *size_bytes_out, Error *error)
{
    const S3Call call = {.method = "HEAD", .object_key = object_key};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    if (!s3_call(client_of(store), &call, &answer, error)) {
        return false;
    }
    if (answer.size_bytes < 0) {
        return error_set(error, ERROR_INTERNAL, "the object store tells no size of an object");
    }
    *size_bytes_out = answer.size_bytes;
    return true;
}

static bool
s3_store_holds(ObjectStore *store, const char *object_key, int fd, bool *holds_out, Error *error)
{
    FilePart file;
    if (lseek(fd, 0, SEEK_SET) != 0) {
        return error_set(error, ERROR_INTERNAL, "the file cannot be read: %m");
    }
    return rest_of_file(fd, &file, error) &&
           s3_holds(client_of(store), object_key, &file, holds_out, error);
}

static bool s3_remove(ObjectStore *store, const char *object_key, Error *error)
{
    return call_simple(store, "DELETE", object_key, error) || error->code == ERROR_NOT_FOUND;
}

/* Multipart uploads below it first, so that none ends in between. */
static bool s3_remove_prefix(ObjectStore *store, const char *prefix, Error *error)
{
    AUTO_FREE char *start = alloc_format("%s/", prefix);
    if (!s3_abort_uploads(client_of(store), start, INT64_MAX, error)) {
        return false;
    }
    for (int pages = 0; pages < S3_PAGES_MAX; pages++) {
        AUTO_S3_KEYS keys = {.keys = NULL};
        /* What is removed is not listed again: each page is the first one. */
        if (!s3_list_keys(client_of(store), start, false, NULL, &keys, error)) {
            return false;
        }
        for (size_t i = 0; i < keys.count; i++) {
            if (!s3_remove(store, keys.keys[i], error)) {
                return false;
            }
        }
        if (keys.token == NULL) {
            return true;
        }
    }
    return error_set(error, ERROR_LIMIT, "the object store's list has no end");
}

static bool s3_list(ObjectStore *store,
                    const char *folder,
                    const char *cursor,
                    ObjectNames *names_out,
                    Error *error)
{
    AUTO_FREE char *start = alloc_format("%s/", folder);
    AUTO_S3_KEYS keys = {.keys = NULL};
    if (!s3_list_keys(client_of(store), start, true, cursor, &keys, error)) {
        return false;
    }
    ObjectNames names = {.names = alloc_zeroed(S3_PAGE_MAX, sizeof(char *))};
    for (size_t i = 0; i < keys.count; i++) {
        Text name = text_from(text_of(keys.keys[i]), strlen(start));
        name.length -= text_ends_with(name, "/") ? 1 : 0;
        /* Some tools leave an object of the folder's own name. */
        if (name.length > 0) {
            names.names[names.count++] = text_to_string(name);
        }
    }
    names.cursor = TAKE(keys.token);
    *names_out = names;
    return true;
}

static bool s3_sweep_uploads(ObjectStore *store, int64_t before_us, Error *error)
{
    return s3_abort_uploads(client_of(store), "", before_us, error);
}

static const ObjectStoreOperations S3 = {.close = s3_close,
                                         .check = s3_check,
                                         .put_fd = s3_put_fd,
                                         .fetch = s3_fetch,
                                         .size = s3_size,
                                         .holds = s3_store_holds,
                                         .remove = s3_remove,
                                         .remove_prefix = s3_remove_prefix,
                                         .list = s3_list,
                                         .sweep_uploads = s3_sweep_uploads};

bool objectstore_open_s3(const S3Options *options,
                         const Clock *clock,
                         ObjectStore **store_out,
                         Error *error)
{
    S3Bucket *bucket = NULL;
    if (!s3_bucket_open(options, &bucket, error)) {
        return false;
    }
    S3Store *store = ALLOC_NEW(S3Store);
    store->base.operations = &S3;
    store->client = s3_client_create(bucket, clock);
    *store_out = &store->base;
    return true;
}

const S3Bucket *objectstore_bucket(const ObjectStore *store)
{
    return store->operations == &S3 ? s3_client_bucket(client_of(store)) : NULL;
}
