/* SPDX-License-Identifier: Apache-2.0 */
/* One try of a request to a bucket: what is sent, what comes, and what that means. */
#pragma once
#include <curl/curl.h>

#include "objectstore/s3_client.h"

typedef struct S3Transfer {
    const S3Call *call;
    S3Answer *answer;
    CURL *curl;
    CURLcode code;
    int64_t sent_bytes;
    long status;                /* 0: no answer came */
    int64_t date_seconds;       /* of the header Date; 0: not told */
    char region[S3_TEXT_BYTES]; /* x-amz-bucket-region; empty: not told */
    Buffer refusal;             /* the body of an answer that is none of 2xx */
    bool too_large;
    bool answer_too_long; /* the answer is longer than S3_ANSWER_BYTES_MAX */
    Error own;            /* what failed here: reading or writing a file */
} S3Transfer;

typedef enum S3Outcome { S3_DONE, S3_FAILED, S3_MAY_PASS /* another try may help */ } S3Outcome;

void s3_transfer_init(S3Transfer *transfer, const S3Call *call, S3Answer *answer);
void s3_transfer_clear(S3Transfer *transfer);
/* The handle has URL and headers. */
void s3_transfer_perform(S3Transfer *transfer, CURL *curl);
/* Sets the error unless it is done. */
S3Outcome s3_transfer_outcome(S3Transfer *transfer, const S3Bucket *bucket, Error *error);
