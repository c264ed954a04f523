/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket of an S3-compatible store: where its objects are, and the key to it. It makes and
 * verifies presigned URLs, and sends nothing. An object's place is PREFIX/KEY in the bucket.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/tls_files.h"
#include "objectstore/sign.h"
#include "objectstore/sigv4.h"

/* What a server checks a body by when it takes it. */
typedef enum S3Checksum {
    S3_CRC32C, /* x-amz-checksum-crc32c */
    S3_MD5     /* Content-MD5, for stores that do not know the other, as Google's */
} S3Checksum;

/* All borrowed until s3_bucket_open returns. Empty texts count as not given. */
typedef struct S3Options {
    const char *endpoint;        /* "https://s3.example.org:9000"; empty: AWS, by the region */
    const char *public_endpoint; /* that presigned URLs begin with; empty: the endpoint */
    const char *region;
    const char *bucket;
    const char *prefix; /* "a/b": of all keys; may be empty */
    const char *access_key_id;
    const char *secret_access_key;
    TlsFiles tls;      /* of https */
    bool virtual_host; /* the bucket is the first part of the host's name */
    S3Checksum checksum;
} S3Options;

/* How a bucket is reached. */
typedef struct S3Address {
    char *origin;    /* "https://host:port" */
    char *host;      /* as the header Host says it */
    char *base_path; /* "/bucket", or "" with the bucket in the host's name */
} S3Address;

typedef struct S3Bucket {
    S3Address address;
    S3Address public_address;
    char *name;
    char *prefix; /* empty, or "a/b/" */
    char *access_key_id;
    char *secret_access_key;
    char *ca_file;          /* NULL: the system's */
    char *certificate_file; /* NULL: the client has none */
    char *key_file;         /* its private key */
    SigV4Key key;
    S3Checksum checksum;
    _Atomic int64_t skew_seconds; /* how far the store's clock is before ours, as it told us */
} S3Bucket;

/* Checks every option; the error names the setting. */
MUST_CHECK bool s3_bucket_open(const S3Options *options, S3Bucket **bucket_out, Error *error);
void s3_bucket_close(S3Bucket *bucket);

/* The path of a request: "/bucket/prefix/key"; key NULL: of the bucket itself. AUTO_FREE. */
char *s3_path(const S3Bucket *bucket, const S3Address *address, const char *object_key);

/* Presigned URLs; see sign.h. A grant that begins later than now is not valid yet at the store. One
 * of more than SIGV4_EXPIRES_SECONDS_MAX is cut. */
void s3_url_sign(const S3Bucket *bucket, const UrlGrant *grant, Buffer *out);
/* Whether the URL leads to this bucket and was signed with this key's name. */
bool s3_url_is_own(const S3Bucket *bucket, Text url);
MUST_CHECK bool s3_url_verify(const S3Bucket *bucket,
                              Text url,
                              UrlMethod method,
                              int64_t now_us,
                              UrlGranted *granted_out,
                              Error *error);
