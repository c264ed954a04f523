/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of a bucket and its objects; see s3_bucket.h. */
#include "objectstore/s3_bucket.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "objectstore/objectstore.h"

enum {
    KEY_ID_BYTES_MAX = 128,
    SECRET_BYTES_MAX = 200, /* AWS has 40, Google 40 to 64 */
    REGION_BYTES_MAX = 64,
    BUCKET_BYTES_MIN = 3,
    BUCKET_BYTES_MAX = 63,
    HOST_BYTES_MAX = 253,
    PREFIX_BYTES_MAX = 256,
    PORT_MAX = 65535
};

static bool is_made_of(const char *text, size_t length_max, const char *others)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr(others, text[i]) == NULL) {
            return false;
        }
    }
    return length > 0 && length <= length_max;
}

static bool bucket_name_valid(const char *name)
{
    return is_made_of(name, BUCKET_BYTES_MAX, "-._") && strlen(name) >= BUCKET_BYTES_MIN;
}

static bool secret_valid(const char *secret)
{
    size_t length = strlen(secret);
    for (size_t i = 0; i < length; i++) {
        if (!isgraph((unsigned char)secret[i])) {
            return false;
        }
    }
    return length > 0 && length <= SECRET_BYTES_MAX;
}

static bool check_options(const S3Options *options, Error *error)
{
    if (!bucket_name_valid(options->bucket)) {
        return error_set(
            error, ERROR_INVALID,
            "SLIDEWAY_OBJECT_STORE: s3://BUCKET/PREFIX with a valid bucket is required");
    }
    if (string_is_given(options->prefix) && (strlen(options->prefix) > PREFIX_BYTES_MAX ||
                                             !object_key_valid(text_of(options->prefix)))) {
        return error_set(error, ERROR_INVALID,
                         "SLIDEWAY_OBJECT_STORE: the prefix behind the bucket is not valid");
    }
    if (!is_made_of(options->region, REGION_BYTES_MAX, "-_")) {
        return error_set(error, ERROR_INVALID,
                         "SLIDEWAY_S3_REGION: the name of a region is required");
    }
    if (!string_is_given(options->access_key_id) ||
        !is_made_of(options->access_key_id, KEY_ID_BYTES_MAX, "-._~+=@:")) {
        return error_set(error, ERROR_INVALID,
                         "SLIDEWAY_S3_ACCESS_KEY_ID: the id of an access key is required");
    }
    if (!secret_valid(options->secret_access_key)) {
        return error_set(error, ERROR_INVALID,
                         "SLIDEWAY_S3_SECRET_ACCESS_KEY: the secret of the access key is required");
    }
    return tls_files_check(&options->tls, "SLIDEWAY_S3", error);
}

static char *lower_case(Text text)
{
    char *lower = text_to_string(text);
    for (char *c = lower; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c;
    }
    return lower;
}

/* "host" or "host:port" in lower case, without the port that the scheme has anyway: so do the
 * clients that send it. */
static bool read_host(Text authority, const char *default_port, char **host_out)
{
    AUTO_FREE char *host = lower_case(authority);
    char *port = strrchr(host, ':');
    bool has_port = port != NULL && strchr(port, ']') == NULL;
    int64_t number = 0;
    if (has_port && !parse_int64(text_of(port + 1), 1, PORT_MAX, &number)) {
        return false;
    }
    if (has_port && strcmp(port + 1, default_port) == 0) {
        *port = '\0';
    }
    if (!is_made_of(host, HOST_BYTES_MAX, "-.:[]")) {
        return false;
    }
    *host_out = TAKE(host);
    return true;
}

static bool read_address(const S3Options *options,
                         const char *endpoint,
                         const char *setting,
                         S3Address *out,
                         Error *error)
{
    bool secure = text_starts_with(text_of(endpoint), "https://");
    const char *scheme = secure ? "https://" : "http://";
    AUTO_FREE char *host = NULL;
    if (!text_starts_with(text_of(endpoint), scheme) ||
        !read_host(text_from(text_of(endpoint), strlen(scheme)), secure ? "443" : "80", &host)) {
        return error_set(error, ERROR_INVALID,
                         "%s: http://HOST:PORT or https://HOST:PORT without a path is required",
                         setting);
    }
    out->host = options->virtual_host ? alloc_format("%s.%s", options->bucket, host) : TAKE(host);
    out->origin = alloc_format("%s%s", scheme, out->host);
    out->base_path =
        options->virtual_host ? alloc_string("") : alloc_format("/%s", options->bucket);
    return true;
}

static void address_clear(S3Address *address)
{
    alloc_free(address->origin);
    alloc_free(address->host);
    alloc_free(address->base_path);
}

static char *copy_given(const char *text)
{
    return string_is_given(text) ? alloc_string(text) : NULL;
}

bool s3_bucket_open(const S3Options *options, S3Bucket **bucket_out, Error *error)
{
    if (!check_options(options, error)) {
        return false;
    }
    AUTO_FREE char *endpoint = string_is_given(options->endpoint)
                                   ? alloc_string(options->endpoint)
                                   : alloc_format("https://s3.%s.amazonaws.com", options->region);
    bool has_public = string_is_given(options->public_endpoint);
    S3Bucket *bucket = ALLOC_NEW(S3Bucket);
    if (!read_address(options, endpoint, "SLIDEWAY_S3_ENDPOINT", &bucket->address, error) ||
        !read_address(options, has_public ? options->public_endpoint : endpoint,
                      "SLIDEWAY_S3_PUBLIC_ENDPOINT", &bucket->public_address, error)) {
        s3_bucket_close(bucket);
        return false;
    }
    bucket->name = alloc_string(options->bucket);
    bucket->prefix =
        string_is_given(options->prefix) ? alloc_format("%s/", options->prefix) : alloc_string("");
    bucket->access_key_id = alloc_string(options->access_key_id);
    bucket->secret_access_key = alloc_string(options->secret_access_key);
    bucket->ca_file = copy_given(options->tls.authorities);
    bucket->certificate_file = copy_given(options->tls.certificate);
    bucket->key_file = copy_given(options->tls.key);
    AUTO_FREE char *region = alloc_string(options->region);
    bucket->key = (SigV4Key){bucket->access_key_id, bucket->secret_access_key, TAKE(region), "s3"};
    bucket->checksum = options->checksum;
    *bucket_out = bucket;
    return true;
}

void s3_bucket_close(S3Bucket *bucket)
{
    if (bucket != NULL) {
        address_clear(&bucket->address);
        address_clear(&bucket->public_address);
        alloc_free(bucket->name);
        alloc_free(bucket->prefix);
        alloc_free(bucket->access_key_id);
        alloc_free(bucket->secret_access_key);
        alloc_free(bucket->ca_file);
        alloc_free(bucket->certificate_file);
        alloc_free(bucket->key_file);
        alloc_free((char *)bucket->key.region);
        alloc_free(bucket);
    }
}

char *s3_path(const S3Bucket *bucket, const S3Address *address, const char *object_key)
{
    return object_key == NULL
               ? alloc_format("%s/", address->base_path)
               : alloc_format("%s/%s%s", address->base_path, bucket->prefix, object_key);
}
