/* SPDX-License-Identifier: Apache-2.0 */
/* From settings to an open store; see settings.h. */
#include "objectstore/settings.h"

#include <string.h>

#include "base/alloc.h"
#include "objectstore/s3_bucket.h"

#define BUCKET_START "s3://"

bool store_place_is_bucket(const char *place)
{
    return text_starts_with(text_of(place), BUCKET_START);
}

/* One of two words. */
static bool read_choice(const char *setting,
                        const char *value,
                        const char *first,
                        const char *second,
                        bool *is_second_out,
                        Error *error)
{
    *is_second_out = strcmp(value, second) == 0;
    return *is_second_out || strcmp(value, first) == 0 ||
           error_set(error, ERROR_INVALID, "%s must be %s or %s", setting, first, second);
}

static bool open_bucket(const StoreSettings *settings,
                        Text place,
                        const Clock *clock,
                        ObjectStore **store_out,
                        Error *error)
{
    Text rest = text_from(place, strlen(BUCKET_START));
    if (text_ends_with(rest, "/")) {
        rest.length--;
    }
    AUTO_FREE char *bucket = text_to_string(text_split(&rest, '/'));
    AUTO_FREE char *prefix = text_to_string(rest.bytes == NULL ? TEXT("") : rest);
    bool virtual_host = false;
    bool md5 = false;
    if (!read_choice("SLIDEWAY_S3_STYLE", settings->style, "path", "virtual-host", &virtual_host,
                     error) ||
        !read_choice("SLIDEWAY_S3_CHECKSUM", settings->checksum, "crc32c", "md5", &md5, error)) {
        return false;
    }
    const S3Options options = {
        .endpoint = settings->endpoint,
        .public_endpoint = settings->public_endpoint,
        .region = settings->region,
        .bucket = bucket,
        .prefix = prefix,
        .access_key_id = settings->access_key_id,
        .secret_access_key = settings->secret_access_key,
        .tls = {settings->ca_file, settings->certificate_file, settings->key_file},
        .virtual_host = virtual_host,
        .checksum = md5 ? S3_MD5 : S3_CRC32C};
    return objectstore_open_s3(&options, clock, store_out, error);
}

bool store_open(const StoreSettings *settings,
                const char *place,
                const Clock *clock,
                ObjectStore **store_out,
                Error *error)
{
    const char *opened = place == NULL ? settings->place : place;
    return store_place_is_bucket(opened)
               ? open_bucket(settings, text_of(opened), clock, store_out, error)
               : objectstore_open(opened, store_out, error);
}
