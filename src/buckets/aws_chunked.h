/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies in the content encoding aws-chunked, as SDKs send them: chunks with their length in
 * hexadecimal digits, each with a signature that continues the one before, or without signatures;
 * and behind the last one, trailers (https://docs.aws.amazon.com/AmazonS3/latest/API/
 * sigv4-streaming.html and sigv4-streaming-trailers.html). Takes the body in pieces of any size.
 */
#pragma once
#include <openssl/evp.h>

#include "base/buffer.h"
#include "buckets/s3_fault.h"
#include "objectstore/sigv4.h"

enum { CHUNK_LINE_BYTES_MAX = 1024, TRAILERS_MAX = 8, TRAILER_VALUE_BYTES = 128 };

typedef enum ChunkPhase {
    CHUNK_HEADER,
    CHUNK_DATA,
    CHUNK_DATA_END, /* the line end behind the data */
    CHUNK_TRAILER,
    CHUNK_ENDED
} ChunkPhase;

/* How a body was announced. */
typedef struct ChunkedRules {
    bool is_signed;
    bool has_trailer;          /* …-TRAILER */
    const char *trailer_name;  /* x-amz-trailer in lower case; NULL: none was named */
    int64_t decoded_bytes;     /* x-amz-decoded-content-length; -1: not known */
    int64_t decoded_bytes_max; /* of a body whose length is not known */
} ChunkedRules;

typedef struct AwsChunked {
    ChunkedRules rules;
    SigV4Chain chain; /* of a signed body */
    ChunkPhase phase;
    int64_t chunk_left;
    int64_t decoded;  /* so far */
    EVP_MD_CTX *hash; /* of the chunk's data; NULL: unsigned */
    char signature[SIGV4_SIGNATURE_BYTES];
    char line[CHUNK_LINE_BYTES_MAX];
    size_t line_length;
    int trailer_count;
    bool trailer_signed;
    Buffer trailers;                         /* as they are signed */
    char trailer_value[TRAILER_VALUE_BYTES]; /* of rules.trailer_name; empty: it did not come */
} AwsChunked;

/* `chain` begins with the signature of the request; NULL for an unsigned body. */
void aws_chunked_init(AwsChunked *chunked, const ChunkedRules *rules, const SigV4Chain *chain);
void aws_chunked_clear(AwsChunked *chunked);

/* Takes the next piece of *rest off: true with decoded bytes in *data_out (none: more of the body
 * is needed, and *rest is empty). */
MUST_CHECK bool aws_chunked_next(AwsChunked *chunked, Text *rest, Text *data_out, S3Fault *fault);
/* Whether the body ended where it should. */
MUST_CHECK bool aws_chunked_finish(const AwsChunked *chunked, S3Fault *fault);
