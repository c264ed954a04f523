/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signed a request: Signature Version 4, in the header Authorization or in the query of a
 * presigned URL
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html).
 */
#pragma once
#include "buckets/s3_request.h"

/* What a request says of its signature. Texts live in the request's arena. */
typedef struct S3Claim {
    bool presigned;
    const char *access_key_id;
    const char *region;
    const char *signed_headers; /* "host;x-amz-date" */
    const char *signature;
    const char *payload_hash; /* as it is signed */
    int64_t at_seconds;
} S3Claim;

/* Reads it and looks at its time; what it claims is not proven. */
MUST_CHECK bool
s3_auth_read(const S3Request *request, int64_t now_us, S3Claim *claim_out, S3Fault *fault);
/* Whether the owner of the secret signed the request. The signature of a presigned GET is good for
 * HEAD too. */
MUST_CHECK bool
s3_auth_verify(const S3Request *request, const S3Claim *claim, const char *secret, S3Fault *fault);
/* The key that signed it, for the chunks of its body. */
SigV4Key s3_auth_key(const S3Claim *claim, const char *secret);
