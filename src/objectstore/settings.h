/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of the object store, the same in every program (docs/object-stores.md). */
#pragma once
#include "base/settings.h"
#include "objectstore/objectstore.h"

typedef struct StoreSettings {
    char *place; /* a folder, or "s3://bucket/prefix" */
    char *endpoint;
    char *public_endpoint;
    char *region;
    char *style;
    char *ca_file;
    char *certificate_file;
    char *key_file;
    char *checksum;
    char *access_key_id;
    char *secret_access_key;
} StoreSettings;

/* Rows of a table of settings; `base` is the offset of a StoreSettings. `fallback` NULL: the place
 * must be given. */
#define STORE_SETTING(name, type, base, field, fallback, help)                                     \
    {                                                                                              \
        "SLIDEWAY_" name, type, (base) + offsetof(StoreSettings, field), fallback, help            \
    }
#define STORE_SETTINGS(base, fallback)                                                             \
    STORE_SETTING("OBJECT_STORE", SETTING_STRING, base, place, fallback,                           \
                  "where the objects are: a folder, or s3://BUCKET/PREFIX"),                       \
        STORE_SETTING("S3_ENDPOINT", SETTING_STRING, base, endpoint, "",                           \
                      "address of the S3 store, as https://s3.example.org:9000; empty is AWS"),    \
        STORE_SETTING("S3_PUBLIC_ENDPOINT", SETTING_STRING, base, public_endpoint, "",             \
                      "its address for clients, which signed URLs begin with; empty: the same"),   \
        STORE_SETTING("S3_REGION", SETTING_STRING, base, region, "us-east-1",                      \
                      "region of the bucket"),                                                     \
        STORE_SETTING("S3_STYLE", SETTING_STRING, base, style, "path",                             \
                      "where the bucket stands in a URL: path, or virtual-host"),                  \
        STORE_SETTING("S3_CA_FILE", SETTING_STRING, base, ca_file, "",                             \
                      "certificates that the S3 store's is trusted by; empty: the system's"),      \
        STORE_SETTING("S3_CERTIFICATE_FILE", SETTING_STRING, base, certificate_file, "",           \
                      "certificate that is shown to the S3 store; empty: none"),                   \
        STORE_SETTING("S3_KEY_FILE", SETTING_STRING, base, key_file, "",                           \
                      "private key of that certificate"),                                          \
        STORE_SETTING("S3_CHECKSUM", SETTING_STRING, base, checksum, "crc32c",                     \
                      "what the store checks bodies by: crc32c, or md5 where it knows no other"),  \
        STORE_SETTING("S3_ACCESS_KEY_ID", SETTING_STRING, base, access_key_id, "",                 \
                      "id of the access key to the bucket"),                                       \
        STORE_SETTING("S3_SECRET_ACCESS_KEY", SETTING_SECRET, base, secret_access_key, "",         \
                      "secret of the access key")

/* Whether the place is a bucket. */
bool store_place_is_bucket(const char *place);
/* Opens the store; nothing is sent. `place` overrules that of the settings; NULL: it does not. */
MUST_CHECK bool store_open(const StoreSettings *settings,
                           const char *place,
                           const Clock *clock,
                           ObjectStore **store_out,
                           Error *error);
