/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a bucket, by libcurl: signed, tried again when the network or the store fails for a
 * while, within limits on tries, waits and answers. No message holds a key, a signature or what
 * the store wrote, but its error's code.
 */
#pragma once
#include <stdatomic.h>

#include "base/clock.h"
#include "objectstore/s3_bucket.h"
#include "objectstore/xml.h"

enum {
    S3_TEXT_BYTES = 128,
    S3_ANSWER_BYTES_MAX = 8 * 1024 * 1024 /* a list of 1,000 long keys, each byte as three */
};

typedef struct S3Client S3Client;

/* Any thread may use it. Takes the bucket. */
S3Client *s3_client_create(S3Bucket *bucket, const Clock *clock);
void s3_client_destroy(S3Client *client);
const S3Bucket *s3_client_bucket(const S3Client *client);

/* A part of a file that is sent; each try reads it again. */
typedef struct FilePart {
    int fd; /* a regular file */
    int64_t offset;
    int64_t size_bytes;
} FilePart;

/* Where an object's bytes go. */
typedef struct S3Target {
    int fd; /* its offset moves; -1: they are only counted and checked */
    int64_t bytes_max;
} S3Target;

typedef struct S3Call {
    const char *method;
    const char *object_key; /* NULL: the bucket itself */
    const SigV4Field *query;
    size_t query_count;
    const SigV4Field *headers; /* beside host, x-amz-date and x-amz-content-sha256 */
    size_t header_count;
    Text body;                /* is sent, unless there is a file */
    const FilePart *file;     /* NULL: none */
    const S3Target *target;   /* NULL: the answer's body is kept */
    const atomic_bool *abort; /* set by another thread: ERROR_CONFLICT; may be NULL */
} S3Call;

typedef struct S3Answer {
    int64_t size_bytes;           /* of the object, by the header; -1: not told */
    char etag[S3_TEXT_BYTES];     /* empty: not told */
    char checksum[S3_TEXT_BYTES]; /* x-amz-checksum-crc32c; empty: not told */
    int64_t received_bytes;       /* into the target */
    uint32_t crc32c;              /* of these */
    Buffer body;
} S3Answer;

void s3_answer_init(S3Answer *answer);
void s3_answer_clear(S3Answer *answer);
#define AUTO_S3_ANSWER CLEANUP(s3_answer_clear) S3Answer

/* ERROR_NOT_FOUND: no such object or upload; ERROR_FORBIDDEN: the key is refused; ERROR_LIMIT:
 * larger than the target's maximum; ERROR_UNAVAILABLE: tried again in vain; ERROR_INTERNAL: any
 * other refusal. */
MUST_CHECK bool s3_call(S3Client *client, const S3Call *call, S3Answer *answer, Error *error);
/* Shows the elements of an answer. ERROR_INTERNAL: it cannot be read. */
MUST_CHECK bool s3_answer_walk(const S3Answer *answer, XmlVisit visit, void *context, Error *error);
