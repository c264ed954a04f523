/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of buckets; see bucket_url.h. */
#include "buckets/bucket_url.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "buckets/s3_auth.h"
#include "buckets_sql.h"

#define CREDENTIAL_START "X-Amz-Credential=" BUCKET_KEY_ID_PREFIX

char *bucket_store_key(const char *bucket_name, const char *file_id)
{
    return alloc_format("buckets/%s/%s", bucket_name, file_id);
}

/* What stands between "://" and the path. */
static Text authority_of(Text url, Text *target_out)
{
    Text scheme = url;
    const char *start = url.bytes == NULL ? NULL : strstr(url.bytes, "://");
    if (start == NULL) {
        return (Text){NULL, 0};
    }
    Text rest = text_from(scheme, (size_t)(start - url.bytes) + 3);
    size_t length = 0;
    while (length < rest.length && rest.bytes[length] != '/' && rest.bytes[length] != '?') {
        length++;
    }
    *target_out = text_from(rest, length);
    return (Text){rest.bytes, length};
}

char *bucket_url_host(const char *url)
{
    Text target;
    Text authority = authority_of(text_of(url), &target);
    if (authority.length == 0 || authority.bytes[0] == '[') {
        return NULL;
    }
    return text_to_string(text_split(&authority, ':'));
}

static bool refuse(Error *error, const S3Fault *fault)
{
    return error_set(error, ERROR_FORBIDDEN, "%s", fault->message);
}

/* The bucket and the secret of a key that the run's organisation has; bucket NULL: it has not. */
static bool find_bucket(const BucketReader *reader,
                        const char *access_key_id,
                        const char *run_id,
                        char **bucket_out,
                        BucketSecret *secret_out,
                        Error *error)
{
    enum { BUCKET_NAME, SEALED_SECRET };
    const char *const values[] = {access_key_id, run_id};
    AUTO_RESULT *rows = NULL;
    if (!bucket_database_run(reader->database, SQL_FIND_RUN_BUCKET, values, ARRAY_COUNT(values),
                             &rows, error)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        return true;
    }
    if (!bucket_secret_open(&reader->seal, access_key_id, PQgetvalue(rows, 0, SEALED_SECRET),
                            secret_out, error)) {
        error->code = ERROR_FORBIDDEN;
        return false;
    }
    *bucket_out = alloc_string(PQgetvalue(rows, 0, BUCKET_NAME));
    return true;
}

static bool find_object(const BucketReader *reader,
                        const char *bucket_name,
                        const char *object_key,
                        char **store_key_out,
                        Error *error)
{
    const char *const values[] = {bucket_name, object_key};
    AUTO_RESULT *rows = NULL;
    if (!bucket_database_run(reader->database, SQL_GET_BUCKET_OBJECT, values, ARRAY_COUNT(values),
                             &rows, error)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        return error_set(error, ERROR_NOT_FOUND, "there is no such object");
    }
    *store_key_out = bucket_store_key(bucket_name, PQgetvalue(rows, 0, 0));
    return true;
}

/* The access key id that the URL names; NULL: it is no presigned URL of a bucket of ours. */
static const char *named_key(const S3Request *request)
{
    Text credential = text_of(s3_parameter(request, "X-Amz-Credential"));
    Text id = text_split(&credential, '/');
    bool ours = text_starts_with(id, BUCKET_KEY_ID_PREFIX);
    return ours ? arena_string(request->arena, id) : NULL;
}

static bool resolve(const BucketReader *reader,
                    S3Request *request,
                    const char *run_id,
                    char **store_key_out,
                    Error *error)
{
    S3Claim claim;
    S3Fault fault = {.code = S3_NONE};
    AUTO_FREE char *bucket_name = NULL;
    AUTO_BUCKET_SECRET secret = {.text = ""};
    AUTO_FREE char *virtual_host = bucket_url_host(reader->object_url);
    if (!s3_request_read(request, virtual_host, &fault) || named_key(request) == NULL) {
        return true;
    }
    if (!find_bucket(reader, named_key(request), run_id, &bucket_name, &secret, error)) {
        return false;
    }
    if (bucket_name == NULL) {
        return true;
    }
    if (!s3_auth_read(request, clock_now_us(reader->clock), &claim, &fault) ||
        !s3_auth_verify(request, &claim, secret.text, &fault)) {
        return refuse(error, &fault);
    }
    if (request->operation != S3_GET_OBJECT || strcmp(request->bucket, bucket_name) != 0) {
        return error_set(error, ERROR_FORBIDDEN,
                         "it downloads nothing of the organization's bucket");
    }
    return find_object(reader, bucket_name, request->object_key, store_key_out, error);
}

bool bucket_url_resolve(const BucketReader *reader,
                        const char *url,
                        const char *run_id,
                        char **store_key_out,
                        Error *error)
{
    Text target = {NULL, 0};
    Text authority = authority_of(text_of(url), &target);
    *store_key_out = NULL;
    if (authority.length == 0 || target.length == 0 || strstr(url, CREDENTIAL_START) == NULL) {
        return true;
    }
    AUTO_ARENA arena;
    arena_init(&arena);
    const SigV4Field host = {"host", arena_string(&arena, authority)};
    S3Request request = {
        .arena = &arena, .method = "GET", .target = target, .headers = &host, .header_count = 1};
    return resolve(reader, &request, run_id, store_key_out, error);
}
