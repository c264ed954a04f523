/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed URLs: whoever holds one may GET, HEAD or PUT one object until it expires. The signature
 * covers method, key, expiry, file name and media type. Those of the local store are HMACs of our
 * own, and one for GET is good for HEAD too; those of a bucket are presigned as S3 wants it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

struct S3Bucket;

/* The base address of the local store, without a slash at its end, and the secret; and the bucket
 * that new URLs lead to instead (NULL: none). URLs of the local store stay known beside a bucket.
 */
typedef struct UrlSigner {
    const char *object_url;
    Text key;
    const struct S3Bucket *bucket;
} UrlSigner;

enum { SIGNED_URL_BYTES_MAX = 8192, SIGNING_KEY_BYTES_MIN = 32 };

typedef enum UrlMethod { URL_GET, URL_PUT, URL_HEAD } UrlMethod;

typedef struct UrlGrant {
    UrlMethod method;
    const char *object_key;
    const char *file_name; /* of Content-Disposition; NULL or empty: none */
    int64_t expires_at_seconds;
    const char *media_type; /* of Content-Type; NULL or empty: it is not told */
    /* Of a bucket alone: when the URL begins to count, not later than now. The same for two grants,
     * and they have the same URL. */
    int64_t signed_at_seconds;
} UrlGrant;

/* What a verified URL grants. */
typedef struct UrlGranted {
    char *object_key;
    char *file_name;  /* NULL: none was asked for, or the bucket tells it */
    char *media_type; /* NULL: it is not known, or the bucket tells it */
} UrlGranted;
void url_granted_clear(UrlGranted *granted);
#define AUTO_URL_GRANTED CLEANUP(url_granted_clear) UrlGranted

/* Refuses a secret shorter than SIGNING_KEY_BYTES_MIN and an address that is no http(s) URL. */
MUST_CHECK bool url_signer_check(const UrlSigner *signer, Error *error);

/* Appends the URL. */
void url_sign(const UrlSigner *signer, const UrlGrant *grant, Buffer *out);

/* Whether the URL looks as if this store had made it: then it is for url_verify, else for the
 * network. */
bool url_is_own(const UrlSigner *signer, Text url);

/* Verifies a whole URL. ERROR_FORBIDDEN: it was not signed by us, is for another method, or has
 * expired. */
MUST_CHECK bool url_verify(const UrlSigner *signer,
                           Text url,
                           UrlMethod method,
                           int64_t now_us,
                           UrlGranted *granted_out,
                           Error *error);

/* A request's target as it stands on the wire: path ("/objects/…") and query, still encoded. */
typedef struct UrlTarget {
    Text path;
    Text query;
} UrlTarget;

/* As url_verify, for the target of a request to the local store. */
MUST_CHECK bool url_verify_target(const UrlSigner *signer,
                                  UrlTarget target,
                                  UrlMethod method,
                                  int64_t now_us,
                                  UrlGranted *granted_out,
                                  Error *error);
