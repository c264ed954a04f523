/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature Version 4 of S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/
 * sig-v4-authenticating-requests.html): in the header Authorization, or in the query of a presigned
 * URL. Paths are encoded once and not normalised, as S3 wants it. Nothing here sends anything.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* What stands for a body's hash when the body itself is not signed. */
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

enum {
    SIGV4_EXPIRES_SECONDS_MAX = 7 * 86400, /* of a presigned URL, by S3's rule */
    SIGV4_SIGNATURE_BYTES = 65,            /* 64 hexadecimal digits and a NUL */
    SIGV4_TIME_BYTES = 17,                 /* "20130524T000000Z" and a NUL */
    SIGV4_SCOPE_BYTES = 256,               /* "20130524/us-east-1/s3/aws4_request" and a NUL */
    SIGV4_HASH_BYTES = 32,                 /* of SHA-256, and of a signature before it is text */
    SIGV4_FIELDS_MAX = 64,                 /* of a query or of the headers */
    SIGV4_TEXT_BYTES_MAX = 32768           /* a canonical request, and a presigned query */
};

/* Who signs, and for what. */
typedef struct SigV4Key {
    const char *access_key_id;
    const char *secret_access_key;
    const char *region;
    const char *service; /* "s3" */
} SigV4Key;

typedef struct SigV4Field {
    const char *name; /* of a header: in lower case */
    const char *value;
} SigV4Field;

typedef struct SigV4Request {
    const char *method;
    const char *path;        /* "/bucket/a key", not encoded */
    const SigV4Field *query; /* not encoded, in any order */
    size_t query_count;
    const SigV4Field *headers; /* those that are signed, "host" among them, in any order */
    size_t header_count;
    const char *payload_hash; /* of the body: SHA-256 in hexadecimal, or SIGV4_UNSIGNED_PAYLOAD */
    int64_t at_seconds;
} SigV4Request;

/* The SHA-256 of a body in hexadecimal digits. */
void sigv4_hash(const void *bytes, size_t length, char out[SIGV4_SIGNATURE_BYTES]);
/* The time as the header x-amz-date has it. */
void sigv4_time(int64_t at_seconds, char out[SIGV4_TIME_BYTES]);
/* Reads "20130524T000000Z". False: text is NULL, or no such time after 1969. */
bool sigv4_parse_time(const char *text, int64_t *at_seconds_out);

/* The query as it is signed, and as it may be sent: encoded and sorted. */
void sigv4_query(const SigV4Field *query, size_t count, Buffer *out);
/* The canonical request. */
void sigv4_canonical(const SigV4Request *request, Buffer *out);
/* The signature of the request with all of its fields. */
void sigv4_sign(const SigV4Key *key, const SigV4Request *request, char out[SIGV4_SIGNATURE_BYTES]);
/* The value of the header Authorization. */
void sigv4_authorize(const SigV4Key *key, const SigV4Request *request, Buffer *out);
/* The query of a presigned URL, which ends with its signature. The request has the fields that the
 * caller wants besides, at most SIGV4_FIELDS_MAX - 5 of them. */
void sigv4_presign(const SigV4Key *key,
                   const SigV4Request *request,
                   int64_t expires_seconds,
                   Buffer *query_out);

/* Signatures of a body that is sent in chunks: each continues the one before, and the first that of
 * the request. */
typedef struct SigV4Chain {
    unsigned char key[SIGV4_HASH_BYTES];
    char time[SIGV4_TIME_BYTES];
    char scope[SIGV4_SCOPE_BYTES];
    char previous[SIGV4_SIGNATURE_BYTES];
} SigV4Chain;

void sigv4_chain_begin(const SigV4Key *key,
                       int64_t at_seconds,
                       const char request_signature[SIGV4_SIGNATURE_BYTES],
                       SigV4Chain *chain_out);
/* The signature of the next chunk, by the SHA-256 of its data. */
void sigv4_chain_chunk(SigV4Chain *chain,
                       const unsigned char hash[SIGV4_HASH_BYTES],
                       char out[SIGV4_SIGNATURE_BYTES]);
/* The signature of the trailers, each a line "name:value\n". */
void sigv4_chain_trailer(SigV4Chain *chain, Text trailers, char out[SIGV4_SIGNATURE_BYTES]);
