/* SPDX-License-Identifier: Apache-2.0 */
/* ListObjectsV2 and ListMultipartUploads; see s3_list.h. */
#include "objectstore/s3_list.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/percent.h"

#define PAGE_SIZE "1000"

/* Replaces the text by its decoded form: "encoding-type=url" keeps bytes out of the XML that it
 * cannot hold, and writes a space as '+'. */
static void decode(char *text)
{
    size_t length = percent_decode(text_of(text), true, text);
    text[length] = '\0';
}

static void set(char **place, Text text)
{
    alloc_free(*place);
    *place = text_to_string(text);
}

/* Objects. */

void s3_keys_clear(S3Keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        alloc_free(keys->keys[i]);
    }
    alloc_free(keys->keys);
    alloc_free(keys->token);
    *keys = (S3Keys){.keys = NULL};
}

typedef struct KeyReading {
    S3Keys keys;
    bool encoded;
} KeyReading;

static void read_key(void *context, const char *path, Text text)
{
    KeyReading *reading = context;
    S3Keys *keys = &reading->keys;
    bool is_key = strcmp(path, "ListBucketResult/Contents/Key") == 0 ||
                  strcmp(path, "ListBucketResult/CommonPrefixes/Prefix") == 0;
    if (is_key && keys->count < S3_PAGE_MAX) {
        keys->keys[keys->count++] = text_to_string(text);
    } else if (strcmp(path, "ListBucketResult/NextContinuationToken") == 0 && text.length > 0) {
        set(&keys->token, text);
    } else if (strcmp(path, "ListBucketResult/EncodingType") == 0) {
        reading->encoded = text_is(text, "url");
    }
}

/* Drops the bucket's prefix; a key that has another is none of ours. */
static void keep_own_keys(const S3Bucket *bucket, KeyReading *reading)
{
    S3Keys *keys = &reading->keys;
    size_t prefix_length = strlen(bucket->prefix);
    size_t kept = 0;
    for (size_t i = 0; i < keys->count; i++) {
        char *key = keys->keys[i];
        if (reading->encoded) {
            decode(key);
        }
        if (text_starts_with(text_of(key), bucket->prefix)) {
            memmove(key, key + prefix_length, strlen(key + prefix_length) + 1);
            keys->keys[kept++] = key;
        } else {
            alloc_free(key);
        }
    }
    keys->count = kept;
}

bool s3_list_keys(S3Client *client,
                  const char *start,
                  bool by_folder,
                  const char *token,
                  S3Keys *keys_out,
                  Error *error)
{
    const S3Bucket *bucket = s3_client_bucket(client);
    AUTO_FREE char *prefix = alloc_format("%s%s", bucket->prefix, start);
    SigV4Field query[6] = {
        {"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", PAGE_SIZE}, {"prefix", prefix}};
    size_t count = 4;
    if (by_folder) {
        query[count++] = (SigV4Field){"delimiter", "/"};
    }
    if (token != NULL) {
        query[count++] = (SigV4Field){"continuation-token", token};
    }
    const S3Call call = {.method = "GET", .query = query, .query_count = count};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    if (!s3_call(client, &call, &answer, error)) {
        return false;
    }
    KeyReading reading = {.keys = {.keys = alloc_zeroed(S3_PAGE_MAX, sizeof(char *))}};
    if (!s3_answer_walk(&answer, read_key, &reading, error)) {
        s3_keys_clear(&reading.keys);
        return false;
    }
    keep_own_keys(bucket, &reading);
    *keys_out = reading.keys;
    return true;
}

/* Multipart uploads. */

typedef struct S3Uploads {
    S3Upload *uploads;
    size_t count;
    S3Upload next; /* the one that is read */
    bool encoded;
    bool is_truncated;
    char *key_marker;
    char *id_marker;
} S3Uploads;

static void upload_clear(S3Upload *upload)
{
    alloc_free(upload->object_key);
    alloc_free(upload->upload_id);
    *upload = (S3Upload){0};
}

static void uploads_clear(S3Uploads *uploads)
{
    for (size_t i = 0; i < uploads->count; i++) {
        upload_clear(&uploads->uploads[i]);
    }
    upload_clear(&uploads->next);
    alloc_free(uploads->uploads);
    alloc_free(uploads->key_marker);
    alloc_free(uploads->id_marker);
    *uploads = (S3Uploads){0};
}
#define AUTO_UPLOADS CLEANUP(uploads_clear) S3Uploads

static void end_upload(S3Uploads *uploads)
{
    S3Upload *next = &uploads->next;
    if (next->object_key != NULL && next->upload_id != NULL && uploads->count < S3_PAGE_MAX) {
        uploads->uploads[uploads->count++] = *next;
        *next = (S3Upload){0};
    } else {
        upload_clear(next);
    }
}

static void read_upload(void *context, const char *path, Text text)
{
    S3Uploads *uploads = context;
    const Text name = text_from(text_of(path), strlen("ListMultipartUploadsResult/"));
    if (text_is(name, "Upload/Key")) {
        set(&uploads->next.object_key, text);
    } else if (text_is(name, "Upload/UploadId")) {
        set(&uploads->next.upload_id, text);
    } else if (text_is(name, "Upload/Initiated")) {
        /* Without a time it counts as old. */
        int64_t at_us = 0;
        uploads->next.initiated_us = parse_timestamp(text_trim(text), &at_us) ? at_us : 0;
    } else if (text_is(name, "Upload")) {
        end_upload(uploads);
    } else if (text_is(name, "NextKeyMarker")) {
        set(&uploads->key_marker, text);
    } else if (text_is(name, "NextUploadIdMarker")) {
        set(&uploads->id_marker, text);
    } else if (text_is(name, "IsTruncated")) {
        uploads->is_truncated = text_is(text_trim(text), "true");
    } else if (text_is(name, "EncodingType")) {
        uploads->encoded = text_is(text, "url");
    }
}

/* The page behind that one (NULL: the first). */
static bool list_uploads(
    S3Client *client, const char *start, const S3Uploads *before, S3Uploads *page_out, Error *error)
{
    const S3Bucket *bucket = s3_client_bucket(client);
    AUTO_FREE char *prefix = alloc_format("%s%s", bucket->prefix, start);
    SigV4Field query[6] = {
        {"uploads", ""}, {"encoding-type", "url"}, {"max-uploads", PAGE_SIZE}, {"prefix", prefix}};
    size_t count = 4;
    if (before != NULL && before->key_marker != NULL) {
        query[count++] = (SigV4Field){"key-marker", before->key_marker};
    }
    if (before != NULL && before->key_marker != NULL && before->id_marker != NULL) {
        query[count++] = (SigV4Field){"upload-id-marker", before->id_marker};
    }
    const S3Call call = {.method = "GET", .query = query, .query_count = count};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    if (!s3_call(client, &call, &answer, error)) {
        return false;
    }
    S3Uploads page = {.uploads = alloc_zeroed(S3_PAGE_MAX, sizeof(S3Upload))};
    if (!s3_answer_walk(&answer, read_upload, &page, error)) {
        uploads_clear(&page);
        return false;
    }
    for (size_t i = 0; page.encoded && i < page.count; i++) {
        decode(page.uploads[i].object_key);
    }
    if (page.encoded && page.key_marker != NULL) {
        decode(page.key_marker);
    }
    *page_out = page;
    return true;
}

typedef struct UploadWalk {
    S3Client *client;
    /* Called with each upload below the start; its key has the bucket's prefix. */
    bool (*visit)(struct UploadWalk *walk, const S3Upload *upload, Error *error);
    int64_t before_us;
    const char *object_key;
    S3Upload found;
} UploadWalk;

static bool walk_uploads(UploadWalk *walk, const char *start, Error *error)
{
    AUTO_UPLOADS page = {0};
    for (int pages = 0; pages < S3_PAGES_MAX; pages++) {
        S3Uploads next = {0};
        if (!list_uploads(walk->client, start, pages == 0 ? NULL : &page, &next, error)) {
            return false;
        }
        uploads_clear(&page);
        page = next;
        for (size_t i = 0; i < page.count; i++) {
            if (!walk->visit(walk, &page.uploads[i], error)) {
                return false;
            }
        }
        if (!page.is_truncated || page.key_marker == NULL) {
            return true;
        }
    }
    return error_set(error, ERROR_LIMIT, "the object store's list has no end");
}

static bool keep_newest(UploadWalk *walk, const S3Upload *upload, Error *error)
{
    (void)error;
    const char *prefix = s3_client_bucket(walk->client)->prefix;
    if (text_starts_with(text_of(upload->object_key), prefix) &&
        strcmp(upload->object_key + strlen(prefix), walk->object_key) == 0 &&
        (walk->found.upload_id == NULL || upload->initiated_us >= walk->found.initiated_us)) {
        set(&walk->found.upload_id, text_of(upload->upload_id));
        walk->found.initiated_us = upload->initiated_us;
    }
    return true;
}

bool s3_find_upload(S3Client *client, const char *object_key, char **upload_id_out, Error *error)
{
    UploadWalk walk = {.client = client, .visit = keep_newest, .object_key = object_key};
    bool walked = walk_uploads(&walk, object_key, error);
    if (walked) {
        *upload_id_out = TAKE(walk.found.upload_id);
    }
    upload_clear(&walk.found);
    return walked;
}

static bool abort_old(UploadWalk *walk, const S3Upload *upload, Error *error)
{
    const char *prefix = s3_client_bucket(walk->client)->prefix;
    if (upload->initiated_us >= walk->before_us ||
        !text_starts_with(text_of(upload->object_key), prefix)) {
        return true;
    }
    const SigV4Field query = {"uploadId", upload->upload_id};
    const S3Call call = {.method = "DELETE",
                         .object_key = upload->object_key + strlen(prefix),
                         .query = &query,
                         .query_count = 1};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    return s3_call(walk->client, &call, &answer, error) || error->code == ERROR_NOT_FOUND;
}

bool s3_abort_uploads(S3Client *client, const char *start, int64_t before_us, Error *error)
{
    UploadWalk walk = {.client = client, .visit = abort_old, .before_us = before_us};
    return walk_uploads(&walk, start, error);
}
