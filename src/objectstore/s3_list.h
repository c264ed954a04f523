/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of a bucket, a page at a time: objects, and multipart uploads that have not ended. */
#pragma once
#include "objectstore/s3_client.h"

enum { S3_PAGE_MAX = 1000, S3_PAGES_MAX = 100000 /* of one walk: 100 million names */ };

/* Keys as they stand behind the bucket's prefix. */
typedef struct S3Keys {
    char **keys; /* owned, at most S3_PAGE_MAX */
    size_t count;
    char *token; /* owned; of the next page; NULL: there is none */
} S3Keys;
void s3_keys_clear(S3Keys *keys);
#define AUTO_S3_KEYS CLEANUP(s3_keys_clear) S3Keys

/* Those that begin with `start`; `by_folder`: what has a '/' behind it is told once, as "…/". */
MUST_CHECK bool s3_list_keys(S3Client *client,
                             const char *start,
                             bool by_folder,
                             const char *token,
                             S3Keys *keys_out,
                             Error *error);

typedef struct S3Upload {
    char *object_key; /* owned */
    char *upload_id;  /* owned */
    int64_t initiated_us;
} S3Upload;

/* The upload of that very key that was begun last; *upload_id_out is NULL when there is none. */
MUST_CHECK bool
s3_find_upload(S3Client *client, const char *object_key, char **upload_id_out, Error *error);
/* Ends those whose key begins with `start` and that were begun before then; their parts go. */
MUST_CHECK bool
s3_abort_uploads(S3Client *client, const char *start, int64_t before_us, Error *error);
