/* SPDX-License-Identifier: Apache-2.0 */
/* One PUT, or a multipart upload; see s3_put.h. */
#include "objectstore/s3_put.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/markup.h"
#include "base/parse.h"
#include "objectstore/checksum.h"
#include "objectstore/digest.h"
#include "objectstore/s3_list.h"

enum { NUMBER_BYTES = 24, COMPLETE_BYTES_MAX = 4 * 1024 * 1024 };

static_assert(OBJECT_BYTES_MAX / S3_PART_BYTES <= S3_PARTS_MAX, "a file has too many parts");

/* A part that the store has. */
typedef struct StoredPart {
    char etag[S3_TEXT_BYTES]; /* empty: it does not have it */
    char checksum[CRC32C_TEXT_BYTES];
    int64_t size_bytes;
} StoredPart;

typedef struct Multipart {
    S3Client *client;
    const char *object_key;
    const FilePart *file;
    const atomic_bool *abort;
    char *upload_id;
    StoredPart *parts;
    int64_t part_count;
    StoredPart read; /* the one that is read from a list */
    int64_t read_number;
    int64_t next_marker;
    bool is_truncated;
} Multipart;

static void multipart_clear(Multipart *multipart)
{
    alloc_free(multipart->upload_id);
    alloc_free(multipart->parts);
}

static FilePart part_of(const FilePart *file, int64_t index)
{
    int64_t begin = index * S3_PART_BYTES;
    int64_t left = file->size_bytes - begin;
    return (FilePart){file->fd, file->offset + begin, left < S3_PART_BYTES ? left : S3_PART_BYTES};
}

static int64_t count_parts(const FilePart *file)
{
    return (file->size_bytes + S3_PART_BYTES - 1) / S3_PART_BYTES;
}

/* The header by which the store checks the body. */
static SigV4Field checksum_header(const S3Client *client, const PartDigest *digest)
{
    return s3_client_bucket(client)->checksum == S3_MD5
               ? (SigV4Field){"content-md5", digest->md5_base64}
               : (SigV4Field){"x-amz-checksum-crc32c", digest->crc32c_base64};
}

static bool wants_md5(const S3Client *client)
{
    return s3_client_bucket(client)->checksum == S3_MD5;
}

static bool put_single(S3Client *client,
                       const char *object_key,
                       const FilePart *file,
                       const atomic_bool *abort,
                       uint32_t *crc32c_out,
                       Error *error)
{
    PartDigest digest;
    uint32_t crc32c = CRC32C_EMPTY;
    if (!digest_part(file, wants_md5(client), &digest, &crc32c, error)) {
        return false;
    }
    const SigV4Field header = checksum_header(client, &digest);
    const S3Call call = {.method = "PUT",
                         .object_key = object_key,
                         .headers = &header,
                         .header_count = 1,
                         .file = file,
                         .abort = abort};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    if (!s3_call(client, &call, &answer, error)) {
        return false;
    }
    *crc32c_out = crc32c;
    return true;
}

static void read_upload_id(void *context, const char *path, Text text)
{
    Multipart *multipart = context;
    if (strcmp(path, "InitiateMultipartUploadResult/UploadId") == 0 && text.length > 0) {
        alloc_free(multipart->upload_id);
        multipart->upload_id = text_to_string(text);
    }
}

static bool begin_upload(Multipart *multipart, Error *error)
{
    const SigV4Field query = {"uploads", ""};
    const SigV4Field header = {"x-amz-checksum-algorithm", "CRC32C"};
    const S3Call call = {.method = "POST",
                         .object_key = multipart->object_key,
                         .query = &query,
                         .query_count = 1,
                         .headers = &header,
                         .header_count = wants_md5(multipart->client) ? 0 : 1,
                         .abort = multipart->abort};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    if (!s3_call(multipart->client, &call, &answer, error) ||
        !s3_answer_walk(&answer, read_upload_id, multipart, error)) {
        return false;
    }
    return multipart->upload_id != NULL ||
           error_set(error, ERROR_INTERNAL, "the object store gave no id for a multipart upload");
}

static void end_part(Multipart *multipart)
{
    if (multipart->read_number >= 1 && multipart->read_number <= multipart->part_count) {
        multipart->parts[multipart->read_number - 1] = multipart->read;
    }
    multipart->read = (StoredPart){.size_bytes = -1};
    multipart->read_number = 0;
}

static void read_part(void *context, const char *path, Text text)
{
    Multipart *multipart = context;
    StoredPart *read = &multipart->read;
    const Text name = text_from(text_of(path), strlen("ListPartsResult/"));
    if (text_is(name, "Part/PartNumber")) {
        (void)parse_int64(text, 1, S3_PARTS_MAX, &multipart->read_number);
    } else if (text_is(name, "Part/Size")) {
        (void)parse_int64(text, 0, INT64_MAX, &read->size_bytes);
    } else if (text_is(name, "Part/ETag")) {
        (void)text_copy(text, read->etag, sizeof read->etag);
    } else if (text_is(name, "Part/ChecksumCRC32C")) {
        (void)text_copy(text, read->checksum, sizeof read->checksum);
    } else if (text_is(name, "Part")) {
        end_part(multipart);
    } else if (text_is(name, "NextPartNumberMarker")) {
        (void)parse_int64(text, 0, S3_PARTS_MAX, &multipart->next_marker);
    } else if (text_is(name, "IsTruncated")) {
        multipart->is_truncated = text_is(text_trim(text), "true");
    }
}

/* Which parts an interrupted upload has. */
static bool list_parts(Multipart *multipart, Error *error)
{
    int64_t marker = 0;
    do {
        char number[NUMBER_BYTES];
        snprintf(number, sizeof number, "%" PRId64, marker);
        const SigV4Field query[] = {{"uploadId", multipart->upload_id},
                                    {"max-parts", "1000"},
                                    {"part-number-marker", number}};
        const S3Call call = {.method = "GET",
                             .object_key = multipart->object_key,
                             .query = query,
                             .query_count = ARRAY_COUNT(query),
                             .abort = multipart->abort};
        AUTO_S3_ANSWER answer;
        s3_answer_init(&answer);
        multipart->is_truncated = false;
        multipart->read = (StoredPart){.size_bytes = -1};
        if (!s3_call(multipart->client, &call, &answer, error) ||
            !s3_answer_walk(&answer, read_part, multipart, error)) {
            return false;
        }
        if (multipart->next_marker <= marker) {
            return true; /* no page goes back */
        }
        marker = multipart->next_marker;
    } while (multipart->is_truncated);
    return true;
}

/* Without a checksum of its own a part is known by its ETag, where that is an MD5. */
static bool is_same(const Multipart *multipart,
                    const StoredPart *stored,
                    const PartDigest *digest,
                    int64_t size_bytes)
{
    if (stored->etag[0] == '\0' || stored->size_bytes != size_bytes) {
        return false;
    }
    if (!wants_md5(multipart->client)) {
        return strcmp(stored->checksum, digest->crc32c_base64) == 0;
    }
    char quoted[S3_TEXT_BYTES];
    snprintf(quoted, sizeof quoted, "\"%s\"", digest->md5_hexadecimal);
    return strcmp(stored->etag, quoted) == 0 || strcmp(stored->etag, digest->md5_hexadecimal) == 0;
}

static bool send_part(Multipart *multipart, int64_t index, const PartDigest *digest, Error *error)
{
    const FilePart part = part_of(multipart->file, index);
    char number[NUMBER_BYTES];
    snprintf(number, sizeof number, "%" PRId64, index + 1);
    const SigV4Field query[] = {{"partNumber", number}, {"uploadId", multipart->upload_id}};
    const SigV4Field header = checksum_header(multipart->client, digest);
    const S3Call call = {.method = "PUT",
                         .object_key = multipart->object_key,
                         .query = query,
                         .query_count = ARRAY_COUNT(query),
                         .headers = &header,
                         .header_count = 1,
                         .file = &part,
                         .abort = multipart->abort};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    if (!s3_call(multipart->client, &call, &answer, error)) {
        return false;
    }
    StoredPart *stored = &multipart->parts[index];
    *stored = (StoredPart){.size_bytes = part.size_bytes};
    snprintf(stored->etag, sizeof stored->etag, "%s", answer.etag);
    snprintf(stored->checksum, sizeof stored->checksum, "%s", digest->crc32c_base64);
    return stored->etag[0] != '\0' ||
           error_set(error, ERROR_INTERNAL, "the object store gave no ETag for a part");
}

static bool send_parts(Multipart *multipart, uint32_t *crc32c, Error *error)
{
    for (int64_t i = 0; i < multipart->part_count; i++) {
        const FilePart part = part_of(multipart->file, i);
        PartDigest digest;
        if (multipart->abort != NULL && atomic_load(multipart->abort)) {
            return error_set(error, ERROR_CONFLICT, "the object is not wanted any more");
        }
        if (!digest_part(&part, wants_md5(multipart->client), &digest, crc32c, error)) {
            return false;
        }
        if (!is_same(multipart, &multipart->parts[i], &digest, part.size_bytes) &&
            !send_part(multipart, i, &digest, error)) {
            return error_context(error, "part %" PRId64 " of %" PRId64, i + 1,
                                 multipart->part_count);
        }
    }
    return true;
}

static void write_parts(const Multipart *multipart, Buffer *out)
{
    buffer_string(out,
                  "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (int64_t i = 0; i < multipart->part_count; i++) {
        const StoredPart *part = &multipart->parts[i];
        buffer_string(out, "<Part>");
        if (!wants_md5(multipart->client)) {
            buffer_format(out, "<ChecksumCRC32C>%s</ChecksumCRC32C>", part->checksum);
        }
        buffer_string(out, "<ETag>");
        markup_escape(out, text_of(part->etag));
        buffer_format(out, "</ETag><PartNumber>%" PRId64 "</PartNumber></Part>", i + 1);
    }
    buffer_string(out, "</CompleteMultipartUpload>");
}

/* An answer that was lost looks as if the upload had never been: then the object says what is true.
 */
static bool complete(Multipart *multipart, Error *error)
{
    AUTO_BUFFER body;
    buffer_init(&body, COMPLETE_BYTES_MAX);
    write_parts(multipart, &body);
    const SigV4Field query = {"uploadId", multipart->upload_id};
    const S3Call call = {.method = "POST",
                         .object_key = multipart->object_key,
                         .query = &query,
                         .query_count = 1,
                         .body = buffer_view(&body),
                         .abort = multipart->abort};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    if (s3_call(multipart->client, &call, &answer, error)) {
        return true;
    }
    Error ignored = {0};
    bool holds = false;
    if (error->code != ERROR_NOT_FOUND ||
        !s3_holds(multipart->client, multipart->object_key, multipart->file, &holds, &ignored) ||
        !holds) {
        return false;
    }
    error_clear(error);
    return true;
}

static bool put_multipart(Multipart *multipart, uint32_t *crc32c_out, Error *error)
{
    if (!s3_find_upload(multipart->client, multipart->object_key, &multipart->upload_id, error)) {
        return false;
    }
    bool known = multipart->upload_id != NULL;
    if (!(known ? list_parts(multipart, error) : begin_upload(multipart, error))) {
        return false;
    }
    uint32_t crc32c = CRC32C_EMPTY;
    if (send_parts(multipart, &crc32c, error) && complete(multipart, error)) {
        *crc32c_out = crc32c;
        return true;
    }
    if (error->code == ERROR_NOT_FOUND) {
        error_set(error, ERROR_UNAVAILABLE, "somebody else ended the upload of the object");
    }
    return false;
}

bool s3_put(S3Client *client,
            const char *object_key,
            const FilePart *file,
            const atomic_bool *abort,
            ObjectFacts *facts_out,
            Error *error)
{
    ObjectFacts facts = {.size_bytes = file->size_bytes};
    if (file->size_bytes > OBJECT_BYTES_MAX) {
        return error_set(error, ERROR_LIMIT, "the object is larger than %lld bytes",
                         (long long)OBJECT_BYTES_MAX);
    }
    if (file->size_bytes <= S3_PART_BYTES) {
        if (!put_single(client, object_key, file, abort, &facts.crc32c, error)) {
            return false;
        }
    } else {
        int64_t count = count_parts(file);
        CLEANUP(multipart_clear)
        Multipart multipart = {.client = client,
                               .object_key = object_key,
                               .file = file,
                               .abort = abort,
                               .parts = alloc_zeroed((size_t)count, sizeof(StoredPart)),
                               .part_count = count};
        if (!put_multipart(&multipart, &facts.crc32c, error)) {
            return false;
        }
    }
    *facts_out = facts;
    return true;
}

/* Reads the object itself. */
static bool
is_equal(S3Client *client, const char *object_key, uint32_t crc32c, bool *equal_out, Error *error)
{
    const S3Target nowhere = {.fd = -1, .bytes_max = INT64_MAX};
    const S3Call call = {.method = "GET", .object_key = object_key, .target = &nowhere};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    if (!s3_call(client, &call, &answer, error)) {
        return false;
    }
    *equal_out = answer.crc32c == crc32c;
    return true;
}

bool s3_holds(
    S3Client *client, const char *object_key, const FilePart *file, bool *holds_out, Error *error)
{
    const SigV4Field header = {"x-amz-checksum-mode", "ENABLED"};
    const S3Call call = {.method = "HEAD",
                         .object_key = object_key,
                         .headers = &header,
                         .header_count = wants_md5(client) ? 0 : 1};
    AUTO_S3_ANSWER answer;
    s3_answer_init(&answer);
    *holds_out = false;
    if (!s3_call(client, &call, &answer, error)) {
        return error->code == ERROR_NOT_FOUND;
    }
    if (answer.size_bytes != file->size_bytes) {
        return true;
    }
    FileDigest digest;
    if (!digest_file(file, S3_PART_BYTES, &digest, error)) {
        return false;
    }
    if (strcmp(answer.checksum, digest.crc32c_base64) == 0 ||
        strcmp(answer.checksum, digest.of_parts) == 0) {
        *holds_out = true;
        return true;
    }
    /* One of parts may be of other parts. */
    bool is_final = answer.checksum[0] != '\0' && strchr(answer.checksum, '-') == NULL;
    return is_final || is_equal(client, object_key, digest.crc32c, holds_out, error);
}
