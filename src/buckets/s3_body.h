/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request on its way into a file or a document: decoded when it is aws-chunked,
 * bounded, and checked by everything that its sender says of it.
 */
#pragma once
#include "buckets/aws_chunked.h"
#include "buckets/payload_check.h"
#include "buckets/s3_auth.h"

typedef struct S3Body {
    bool chunked;
    bool open;
    AwsChunked decoder; /* when it is chunked */
    PayloadCheck check;
    PayloadClaims claims;
    int64_t bytes; /* decoded, so far */
    int64_t bytes_max;
    S3Code too_large; /* what more than bytes_max is refused with */
} S3Body;

/* Where decoded bytes go. */
typedef bool S3Sink(void *context, Text bytes, S3Fault *fault);

/* The decoded length that is announced; -1: none is. */
MUST_CHECK bool
s3_body_length(const S3Request *request, const S3Claim *claim, int64_t *length_out, S3Fault *fault);
MUST_CHECK bool s3_body_open(S3Body *body,
                             const S3Request *request,
                             const S3Claim *claim,
                             const char *secret,
                             S3Fault *fault);
void s3_body_close(S3Body *body);
MUST_CHECK bool s3_body_take(S3Body *body, Text bytes, S3Sink *sink, void *context, S3Fault *fault);
/* Once, at the end; the MD5 of the decoded bytes in hexadecimal digits. */
MUST_CHECK bool s3_body_finish(S3Body *body, char md5_out[MD5_HEX_BYTES], S3Fault *fault);
