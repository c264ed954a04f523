/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to a bucket as S3's protocol means it: which operation, on which bucket and key, and
 * its query, decoded. Nothing of the HTTP library is in it; all texts live in its arena or longer.
 */
#pragma once
#include "base/arena.h"
#include "buckets/s3_fault.h"
#include "objectstore/sigv4.h"

typedef enum S3Operation {
    S3_LIST_BUCKETS,
    S3_HEAD_BUCKET,
    S3_GET_BUCKET_LOCATION,
    S3_LIST_OBJECTS,
    S3_LIST_UPLOADS,
    S3_DELETE_OBJECTS,
    S3_GET_OBJECT,
    S3_HEAD_OBJECT,
    S3_PUT_OBJECT,
    S3_DELETE_OBJECT,
    S3_BEGIN_UPLOAD,
    S3_PUT_PART,
    S3_LIST_PARTS,
    S3_COMPLETE_UPLOAD,
    S3_ABORT_UPLOAD,
    S3_OPERATION_COUNT
} S3Operation;

enum { S3_HEADERS_MAX = SIGV4_FIELDS_MAX, S3_TARGET_BYTES_MAX = 8192, S3_KEY_BYTES_MAX = 1024 };

typedef struct S3Request {
    Arena *arena;
    const char *method;
    Text target;               /* path and query as they came */
    const SigV4Field *headers; /* names in lower case */
    size_t header_count;
    /* By s3_request_read: */
    S3Operation operation;
    const char *path; /* decoded */
    SigV4Field query[SIGV4_FIELDS_MAX];
    size_t query_count;
    const char *bucket;     /* NULL: none is named */
    const char *object_key; /* NULL: the bucket itself is meant */
} S3Request;

/* `virtual_host` is the host of which "BUCKET." may stand before; without its port; NULL: none. */
MUST_CHECK bool s3_request_read(S3Request *request, const char *virtual_host, S3Fault *fault);

/* NULL: it was not sent. The name in lower case. */
const char *s3_header(const S3Request *request, const char *name);
/* NULL: it is not in the query. */
const char *s3_parameter(const S3Request *request, const char *name);
