/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Presigned URLs of buckets as inputs of runs: known by their key and signature, whatever host they
 * name, and only to the organisation that the bucket is of.
 */
#pragma once
#include "buckets/bucket_database.h"
#include "buckets/bucket_key.h"

typedef struct BucketReader {
    BucketDatabase *database;
    BucketSeal seal;
    const char *object_url; /* a bucket's name may stand before its host */
    const Clock *clock;
} BucketReader;

/* The key in the object store of what the URL downloads, for a run. NULL: it is none of a bucket of
 * the run's organisation, and for the network. ERROR_FORBIDDEN: its signature does not match or it
 * has expired; ERROR_NOT_FOUND: there is no such object. *store_key_out is on the heap. */
MUST_CHECK bool bucket_url_resolve(const BucketReader *reader,
                                   const char *url,
                                   const char *run_id,
                                   char **store_key_out,
                                   Error *error);

/* The host of "https://objects.example.org:8081", without its port; NULL: it has none. AUTO_FREE.
 */
char *bucket_url_host(const char *url);
/* "buckets/BUCKET/FILE": where the file of an object or a part is in the store. AUTO_FREE. */
char *bucket_store_key(const char *bucket_name, const char *file_id);
