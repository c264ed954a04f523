/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads of objects and parts: a body becomes a file; see s3_exchange.h. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "buckets/s3_exchange.h"
#include "buckets_sql.h"

enum { USER_METADATA_BYTES_MAX = 2048, METADATA_BYTES_MAX = 8192 };

#define USER_METADATA "x-amz-meta-"

/* Besides those of the user. */
static const char *const KEPT[] = {"cache-control", "content-disposition", "content-language",
                                   "expires"};

static bool is_kept(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(KEPT); i++) {
        if (strcmp(name, KEPT[i]) == 0) {
            return true;
        }
    }
    return strncmp(name, USER_METADATA, sizeof USER_METADATA - 1) == 0;
}

/* What is left of "aws-chunked,gzip" once the body is decoded. */
static void write_encoding(const char *value, Buffer *out)
{
    size_t written = 0;
    Text rest = text_of(value);
    while (rest.bytes != NULL) {
        Text one = text_trim(text_split(&rest, ','));
        if (one.length > 0 && !text_is(one, "aws-chunked")) {
            buffer_format(out, "%s%.*s", written++ == 0 ? "content-encoding: " : ",",
                          TEXT_ARGUMENTS(one));
        }
    }
    buffer_string(out, written > 0 ? "\n" : "");
}

bool s3_read_metadata(S3Exchange *exchange, const char **type_out, const char **headers_out)
{
    const S3Request *request = &exchange->request;
    size_t user_bytes = 0;
    AUTO_BUFFER lines;
    buffer_init(&lines, METADATA_BYTES_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        const SigV4Field *header = &request->headers[i];
        if (is_kept(header->name)) {
            user_bytes += header->name[0] == 'x' ? strlen(header->name) + strlen(header->value) : 0;
            buffer_format(&lines, "%s: %s\n", header->name, header->value);
        } else if (strcmp(header->name, "content-encoding") == 0) {
            write_encoding(header->value, &lines);
        }
    }
    if (lines.overflow || user_bytes > USER_METADATA_BYTES_MAX) {
        return s3_refuse(exchange, S3_METADATA_TOO_LARGE, "The metadata has more than %d bytes.",
                         USER_METADATA_BYTES_MAX);
    }
    const char *type = s3_header(request, "content-type");
    type = string_is_given(type) ? type : "binary/octet-stream";
    if (strlen(type) > METADATA_BYTES_MAX || !text_is_utf8(text_of(type)) ||
        !text_is_utf8(buffer_view(&lines))) {
        return s3_refuse(exchange, S3_INVALID_ARGUMENT, "The metadata is not valid UTF-8.");
    }
    *type_out = type;
    *headers_out = arena_string(&exchange->arena, buffer_view(&lines));
    return true;
}

static bool refuse_quota(S3Exchange *exchange)
{
    return s3_refuse(exchange, S3_QUOTA_EXCEEDED,
                     "The organization's bucket has no room for the object: delete others, or ask "
                     "the operator for a larger quota.");
}

/* The room for a file that has been written down; -1: there is no such multipart upload. */
static bool reserve(S3Exchange *exchange, int64_t size_bytes, int64_t *room_out)
{
    const char *part_number =
        exchange->upload_id == NULL ? NULL : s3_number_text(exchange, exchange->part_number);
    const char *const values[] = {exchange->bucket_name,
                                  exchange->request.object_key,
                                  exchange->upload_id,
                                  part_number,
                                  exchange->file_id.text,
                                  size_bytes < 0 ? NULL : s3_number_text(exchange, size_bytes),
                                  s3_number_text(exchange, exchange->server->options.bytes_max)};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_BEGIN_BUCKET_FILE, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    *room_out = PQgetisnull(rows, 0, 0) ? -1 : strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
    return true;
}

bool s3_begin_file(S3Exchange *exchange)
{
    int64_t size_bytes = -1;
    int64_t room = 0;
    Error error = {0};
    S3Body *body = &exchange->body;
    if (!s3_body_length(&exchange->request, &exchange->claim, &size_bytes, &exchange->fault)) {
        return false;
    }
    if (size_bytes > OBJECT_BYTES_MAX) {
        return s3_refuse(exchange, S3_ENTITY_TOO_LARGE, "An object has at most %lld bytes.",
                         (long long)OBJECT_BYTES_MAX);
    }
    exchange->file_id = uuid_create(exchange->server->options.clock);
    if (!reserve(exchange, size_bytes, &room)) {
        return false;
    }
    if (room < 0) {
        return s3_refuse(exchange, S3_NO_SUCH_UPLOAD, "There is no such multipart upload.");
    }
    if (room < (size_bytes < 0 ? 1 : size_bytes)) {
        return refuse_quota(exchange);
    }
    body->bytes_max = room < OBJECT_BYTES_MAX ? room : OBJECT_BYTES_MAX;
    body->too_large = room < OBJECT_BYTES_MAX ? S3_QUOTA_EXCEEDED : S3_ENTITY_TOO_LARGE;
    AUTO_FREE char *key = bucket_store_key(exchange->bucket_name, exchange->file_id.text);
    return upload_begin(exchange->server->options.store, key, body->bytes_max, &exchange->upload,
                        &error) ||
           s3_fail(exchange, &error);
}

/* If-None-Match of an upload can only be "*": there must be no object yet. */
static bool read_only_new(S3Exchange *exchange, bool *only_new_out)
{
    const char *if_none_match = s3_header(&exchange->request, "if-none-match");
    *only_new_out = if_none_match != NULL;
    return (if_none_match == NULL || strcmp(if_none_match, "*") == 0) &&
                   s3_header(&exchange->request, "if-match") == NULL
               ? true
               : s3_refuse(exchange, S3_NOT_IMPLEMENTED,
                           "Of conditions for an upload only If-None-Match: * is supported.");
}

bool s3_begin_object(S3Exchange *exchange)
{
    bool only_new = false;
    const char *type = NULL;
    const char *headers = NULL;
    return read_only_new(exchange, &only_new) && s3_read_metadata(exchange, &type, &headers) &&
           s3_begin_file(exchange);
}

static bool read_outcome(S3Exchange *exchange, const PGresult *rows)
{
    const char *outcome = PQgetvalue(rows, 0, 0);
    if (strcmp(outcome, "STORED") == 0) {
        return true;
    }
    if (strcmp(outcome, "QUOTA_EXCEEDED") == 0) {
        return refuse_quota(exchange);
    }
    if (strcmp(outcome, "EXISTS") == 0) {
        return s3_refuse(exchange, S3_PRECONDITION_FAILED, "The key has an object.");
    }
    if (strcmp(outcome, "NO_SUCH_UPLOAD") == 0) {
        return s3_refuse(exchange, S3_NO_SUCH_UPLOAD, "There is no such multipart upload.");
    }
    return s3_refuse(exchange, S3_REQUEST_TIMEOUT, "The upload took longer than a day.");
}

/* Checks the body and puts its file into the store. */
static bool keep_file(S3Exchange *exchange, char md5[MD5_HEX_BYTES], int64_t *size_bytes_out)
{
    ObjectFacts facts;
    Error error = {0};
    if (!s3_body_finish(&exchange->body, md5, &exchange->fault)) {
        return false;
    }
    if (!upload_commit(exchange->upload, &facts, &error)) {
        return s3_fail(exchange, &error);
    }
    *size_bytes_out = facts.size_bytes;
    return true;
}

static void answer_stored(S3Exchange *exchange, const char *md5)
{
    s3_answer(exchange, MHD_HTTP_OK);
    s3_answer_header(exchange, "ETag", arena_format(&exchange->arena, "\"%s\"", md5));
}

bool s3_store_object(S3Exchange *exchange)
{
    char md5[MD5_HEX_BYTES];
    int64_t size_bytes = 0;
    bool only_new = false;
    const char *type = NULL;
    const char *headers = NULL;
    if (!read_only_new(exchange, &only_new) || !s3_read_metadata(exchange, &type, &headers) ||
        !keep_file(exchange, md5, &size_bytes)) {
        return false;
    }
    const char *const values[] = {exchange->bucket_name,
                                  exchange->request.object_key,
                                  exchange->file_id.text,
                                  s3_number_text(exchange, size_bytes),
                                  md5,
                                  type,
                                  headers,
                                  only_new ? "true" : "false",
                                  s3_number_text(exchange, exchange->server->options.bytes_max)};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_STORE_BUCKET_OBJECT, values, ARRAY_COUNT(values), &rows) ||
        !read_outcome(exchange, rows)) {
        return false;
    }
    answer_stored(exchange, md5);
    return true;
}

bool s3_store_part(S3Exchange *exchange)
{
    char md5[MD5_HEX_BYTES];
    int64_t size_bytes = 0;
    if (!keep_file(exchange, md5, &size_bytes)) {
        return false;
    }
    const char *const values[] = {exchange->bucket_name,
                                  exchange->request.object_key,
                                  exchange->upload_id,
                                  s3_number_text(exchange, exchange->part_number),
                                  exchange->file_id.text,
                                  s3_number_text(exchange, size_bytes),
                                  md5,
                                  s3_number_text(exchange, exchange->server->options.bytes_max)};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_STORE_BUCKET_PART, values, ARRAY_COUNT(values), &rows) ||
        !read_outcome(exchange, rows)) {
        return false;
    }
    answer_stored(exchange, md5);
    return true;
}
