/* SPDX-License-Identifier: Apache-2.0 */
/* Presigned URLs of a bucket: made, and verified as the store itself would; see s3_bucket.h. */
#include <openssl/crypto.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/percent.h"
#include "objectstore/objectstore.h"
#include "objectstore/s3_bucket.h"

#define DISPOSITION_START "attachment; filename*=UTF-8''"

enum {
    EARLY_SECONDS = 900, /* S3 takes requests of a clock that is so far before its own */
    VALUE_BYTES_MAX = 4096
};

static const char *method_name(UrlMethod method)
{
    static const char *const NAMES[] = {[URL_GET] = "GET", [URL_PUT] = "PUT", [URL_HEAD] = "HEAD"};
    return NAMES[method];
}

void s3_url_sign(const S3Bucket *bucket, const UrlGrant *grant, Buffer *out)
{
    const S3Address *address = &bucket->public_address;
    AUTO_FREE char *path = s3_path(bucket, address, grant->object_key);
    AUTO_BUFFER disposition;
    buffer_init(&disposition, VALUE_BYTES_MAX);
    buffer_string(&disposition, DISPOSITION_START);
    percent_encode(&disposition, text_of(grant->file_name));
    SigV4Field query[2];
    size_t count = 0;
    if (string_is_given(grant->file_name)) {
        query[count++] =
            (SigV4Field){"response-content-disposition", buffer_to_string(&disposition)};
    }
    if (string_is_given(grant->media_type)) {
        query[count++] = (SigV4Field){"response-content-type", grant->media_type};
    }
    int64_t seconds = grant->expires_at_seconds - grant->signed_at_seconds;
    seconds = seconds > SIGV4_EXPIRES_SECONDS_MAX ? SIGV4_EXPIRES_SECONDS_MAX : seconds;
    const SigV4Field host = {"host", address->host};
    const SigV4Request request = {.method = method_name(grant->method),
                                  .path = path,
                                  .query = query,
                                  .query_count = count,
                                  .headers = &host,
                                  .header_count = 1,
                                  .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
                                  .at_seconds = grant->signed_at_seconds +
                                                atomic_load(&bucket->skew_seconds)};
    buffer_string(out, address->origin);
    percent_encode_path(out, text_of(path));
    buffer_byte(out, '?');
    sigv4_presign(&bucket->key, &request, seconds, out);
}

/* A presigned URL, taken apart and decoded. */
typedef struct Presigned {
    char *path;
    SigV4Field query[SIGV4_FIELDS_MAX]; /* owned; without the signature */
    size_t count;
    char *signature;
} Presigned;

static void presigned_clear(Presigned *presigned)
{
    for (size_t i = 0; i < presigned->count; i++) {
        alloc_free((char *)presigned->query[i].name);
        alloc_free((char *)presigned->query[i].value);
    }
    alloc_free(presigned->path);
    alloc_free(presigned->signature);
}

static const char *value_of(const Presigned *presigned, const char *name)
{
    for (size_t i = 0; i < presigned->count; i++) {
        if (strcmp(presigned->query[i].name, name) == 0) {
            return presigned->query[i].value;
        }
    }
    return NULL;
}

/* A heap string; NULL when it holds a NUL. */
static char *decode(Text text)
{
    AUTO_FREE char *decoded = alloc_array(text.length + 1, 1);
    size_t length = percent_decode(text, false, decoded);
    decoded[length] = '\0';
    return memchr(decoded, '\0', length) == NULL ? TAKE(decoded) : NULL;
}

/* A name that comes twice could be read in two ways: it is refused. */
static bool add_part(Presigned *presigned, Text part)
{
    Text value = part;
    Text name = text_split(&value, '=');
    AUTO_FREE char *decoded_name = decode(name);
    AUTO_FREE char *decoded_value = decode(value.bytes == NULL ? TEXT("") : value);
    if (decoded_name == NULL || decoded_value == NULL) {
        return false;
    }
    if (strcmp(decoded_name, "X-Amz-Signature") == 0) {
        if (presigned->signature != NULL) {
            return false;
        }
        presigned->signature = TAKE(decoded_value);
        return true;
    }
    if (presigned->count == SIGV4_FIELDS_MAX || value_of(presigned, decoded_name) != NULL) {
        return false;
    }
    presigned->query[presigned->count++] =
        (SigV4Field){.name = TAKE(decoded_name), .value = TAKE(decoded_value)};
    return true;
}

static bool take_apart(const S3Bucket *bucket, Text url, Presigned *out)
{
    Text query = text_from(url, strlen(bucket->public_address.origin));
    Text path = text_split(&query, '?');
    out->path = decode(path);
    while (query.bytes != NULL && query.length > 0) {
        if (!add_part(out, text_split(&query, '&'))) {
            return false;
        }
    }
    return out->path != NULL && out->signature != NULL;
}

bool s3_url_is_own(const S3Bucket *bucket, Text url)
{
    AUTO_BUFFER start;
    AUTO_BUFFER credential;
    buffer_init(&start, SIGNED_URL_BYTES_MAX);
    buffer_init(&credential, SIGNED_URL_BYTES_MAX);
    AUTO_FREE char *path = s3_path(bucket, &bucket->public_address, "");
    buffer_string(&start, bucket->public_address.origin);
    percent_encode_path(&start, text_of(path));
    buffer_string(&credential, "X-Amz-Credential=");
    percent_encode(&credential, text_of(bucket->access_key_id));
    buffer_string(&credential, "%2F");
    if (url.length > SIGNED_URL_BYTES_MAX || !text_starts_with(url, buffer_to_string(&start))) {
        return false;
    }
    AUTO_FREE char *text = text_to_string(url);
    return strstr(text, buffer_to_string(&credential)) != NULL;
}

static bool refuse(Error *error, const char *why)
{
    return error_set(error, ERROR_FORBIDDEN, "%s", why);
}

static bool signature_matches(const S3Bucket *bucket,
                              const Presigned *presigned,
                              UrlMethod method,
                              int64_t at_seconds)
{
    const SigV4Field host = {"host", bucket->public_address.host};
    const SigV4Request request = {.method = method_name(method),
                                  .path = presigned->path,
                                  .query = presigned->query,
                                  .query_count = presigned->count,
                                  .headers = &host,
                                  .header_count = 1,
                                  .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
                                  .at_seconds = at_seconds};
    char expected[SIGV4_SIGNATURE_BYTES];
    sigv4_sign(&bucket->key, &request, expected);
    return strlen(presigned->signature) == strlen(expected) &&
           CRYPTO_memcmp(presigned->signature, expected, strlen(expected)) == 0;
}

bool s3_url_verify(const S3Bucket *bucket,
                   Text url,
                   UrlMethod method,
                   int64_t now_us,
                   UrlGranted *granted_out,
                   Error *error)
{
    if (!s3_url_is_own(bucket, url)) {
        return refuse(error, "The URL is not one of this store.");
    }
    CLEANUP(presigned_clear) Presigned presigned = {.count = 0};
    int64_t at_seconds = 0;
    int64_t expires_seconds = 0;
    if (!take_apart(bucket, url, &presigned) ||
        !sigv4_parse_time(value_of(&presigned, "X-Amz-Date"), &at_seconds) ||
        !parse_int64(text_of(value_of(&presigned, "X-Amz-Expires")), 1, SIGV4_EXPIRES_SECONDS_MAX,
                     &expires_seconds) ||
        !signature_matches(bucket, &presigned, method, at_seconds)) {
        return refuse(error, "The URL's signature does not match.");
    }
    int64_t now_seconds = now_us / MICROSECONDS_PER_SECOND + atomic_load(&bucket->skew_seconds);
    if (now_seconds >= at_seconds + expires_seconds || now_seconds < at_seconds - EARLY_SECONDS) {
        return refuse(error, "The URL has expired.");
    }
    AUTO_FREE char *start = s3_path(bucket, &bucket->public_address, "");
    const char *object_key = presigned.path + strlen(start);
    if (!object_key_valid(text_of(object_key))) {
        return refuse(error, "The URL's signature does not match.");
    }
    granted_out->object_key = alloc_string(object_key);
    return true;
}
