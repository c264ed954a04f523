/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upload buckets by S3's protocol, on the object port: everything there that is not below
 * /objects/. docs/uploads.md says what of S3 there is.
 */
#pragma once
#include "base/clock.h"
#include "db/connection.h"
#include "http/object_server.h"
#include "objectstore/objectstore.h"

typedef struct BucketServerOptions {
    const Clock *clock;
    ConnectionProfile database;
    ObjectStore *store;
    const char *object_url; /* a bucket's name may stand before its host */
    Text url_signing_key;   /* that the secrets are sealed by */
    int64_t bytes_max;      /* of all objects and parts of one bucket */
} BucketServerOptions;

typedef struct BucketServer BucketServer;

/* The options are copied, what they point to is borrowed. */
BucketServer *bucket_server_create(const BucketServerOptions *options);
/* For the object server, before it is started. */
ObjectProtocol bucket_server_protocol(BucketServer *server);
/* After the object server has stopped. */
void bucket_server_destroy(BucketServer *server);
