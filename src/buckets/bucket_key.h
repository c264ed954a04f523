/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of buckets: a name, an access key id, and a secret that the database has sealed
 * (AES-256-GCM under a key that is derived from the installation's URL signing key, and bound to
 * its access key id). A changed signing key makes them unreadable; then new ones are made.
 */
#pragma once
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

#define BUCKET_KEY_ID_PREFIX "SLDW"

enum {
    BUCKET_NAME_BYTES = 64,
    BUCKET_KEY_ID_BYTES = 21,  /* the prefix and 16 characters */
    BUCKET_SECRET_BYTES = 129, /* ours have 43 characters, others may have more */
    SEALED_SECRET_BYTES = 224,
    BUCKET_SEAL_BYTES = 32
};

struct BucketSeal;
typedef struct BucketSeal {
    unsigned char key[BUCKET_SEAL_BYTES];
} BucketSeal;

/* Derives the key from the installation's secret. */
void bucket_seal_init(BucketSeal *seal, Text url_signing_key);
void bucket_seal_clear(BucketSeal *seal);

/* A secret in clear; to be cleared. */
typedef struct BucketSecret {
    char text[BUCKET_SECRET_BYTES];
} BucketSecret;
void bucket_secret_clear(BucketSecret *secret);
#define AUTO_BUCKET_SECRET CLEANUP(bucket_secret_clear) BucketSecret

typedef struct BucketKey {
    char access_key_id[BUCKET_KEY_ID_BYTES];
    char sealed_secret[SEALED_SECRET_BYTES];
} BucketKey;

/* A new key, its secret sealed. */
void bucket_key_create(const BucketSeal *seal, const Clock *clock, BucketKey *key_out);
/* A name for an organisation's bucket that nobody else's has: what may stand in a host's name of
 * the organisation's id, and 12 digits by chance. */
void bucket_name_create(const char *organization_id,
                        const Clock *clock,
                        char out[BUCKET_NAME_BYTES]);
/* `secret` has 1 to BUCKET_SECRET_BYTES - 1 bytes. */
void bucket_secret_seal(const BucketSeal *seal,
                        const Clock *clock,
                        const char *access_key_id,
                        const char *secret,
                        char out[SEALED_SECRET_BYTES]);
/* ERROR_INVALID: it was sealed with another key or for another id, or is damaged. */
MUST_CHECK bool bucket_secret_open(const BucketSeal *seal,
                                   const char *access_key_id,
                                   const char *sealed_secret,
                                   BucketSecret *secret_out,
                                   Error *error);
