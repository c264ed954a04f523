/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads and deletions of objects; see s3_exchange.h. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "buckets/s3_exchange.h"
#include "buckets_sql.h"
#include "db/array.h"
#include "http/etag.h"
#include "http/object_server.h"
#include "http/range.h"
#include "objectstore/xml.h"

enum { DELETIONS_MAX = 1000, HTTP_TIME_BYTES = 32 };

/* The row of get_bucket_object. */
enum { FILE_ID, SIZE_BYTES, ETAG, CONTENT_TYPE, HEADERS, STORED_SECONDS };

/* What a signed query may put in the place of the object's own headers. */
static const char *const OVERRIDES[][2] = {
    {"response-content-type", "content-type"},
    {"response-content-disposition", "content-disposition"},
    {"response-content-language", "content-language"},
    {"response-content-encoding", "content-encoding"},
    {"response-cache-control", "cache-control"},
    {"response-expires", "expires"},
};

static const char *override_of(const S3Exchange *exchange, Text header)
{
    for (size_t i = 0; i < ARRAY_COUNT(OVERRIDES); i++) {
        if (text_is(header, OVERRIDES[i][1])) {
            return s3_parameter(&exchange->request, OVERRIDES[i][0]);
        }
    }
    return NULL;
}

static bool check_overrides(S3Exchange *exchange)
{
    for (size_t i = 0; i < ARRAY_COUNT(OVERRIDES); i++) {
        const char *value = s3_parameter(&exchange->request, OVERRIDES[i][0]);
        if (value != NULL && strpbrk(value, "\r\n") != NULL) {
            return s3_refuse(exchange, S3_INVALID_ARGUMENT, "%s is not valid.", OVERRIDES[i][0]);
        }
    }
    return true;
}

/* The stored headers, but those that the query replaces; and those that only the query has. */
static void add_headers(S3Exchange *exchange, const char *content_type, const char *stored)
{
    const char *type = override_of(exchange, TEXT("content-type"));
    type = type != NULL ? type : arena_string(&exchange->arena, text_of(content_type));
    s3_answer_header(exchange, "Content-Type", type);
    if (object_policy(type) != NULL) {
        s3_answer_header(exchange, "Content-Security-Policy", object_policy(type));
    }
    Text rest = text_of(stored);
    while (rest.length > 0) {
        Text value = text_split(&rest, '\n');
        Text name = text_split(&value, ':');
        if (override_of(exchange, name) == NULL) {
            s3_answer_header(exchange, arena_string(&exchange->arena, name),
                             arena_string(&exchange->arena, text_trim(value)));
        }
    }
    for (size_t i = 1; i < ARRAY_COUNT(OVERRIDES); i++) {
        const char *value = s3_parameter(&exchange->request, OVERRIDES[i][0]);
        if (value != NULL) {
            s3_answer_header(exchange, OVERRIDES[i][1], value);
        }
    }
}

/* "Wed, 21 Oct 2015 07:28:00 GMT" */
static const char *http_time(S3Exchange *exchange, const char *seconds)
{
    char text[HTTP_TIME_BYTES];
    time_t at = (time_t)strtoll(seconds, NULL, 10);
    struct tm parts;
    if (gmtime_r(&at, &parts) == NULL ||
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0) {
        abort();
    }
    return arena_string(&exchange->arena, text_of(text));
}

static bool open_file(S3Exchange *exchange, const char *file_id)
{
    Error error = {0};
    int64_t size_bytes = 0;
    AUTO_FREE char *key = bucket_store_key(exchange->bucket_name, file_id);
    if (objectstore_read(exchange->server->options.store, key, &exchange->answer.fd, &size_bytes,
                         &error)) {
        return true;
    }
    /* Replaced or deleted since its row was read. */
    return error.code == ERROR_NOT_FOUND
               ? s3_refuse(exchange, S3_NO_SUCH_KEY, "The object was replaced or deleted just now.")
               : s3_fail(exchange, &error);
}

static bool send_part(S3Exchange *exchange, const PGresult *rows, const char *etag)
{
    S3Answer *answer = &exchange->answer;
    int64_t size_bytes = strtoll(PQgetvalue(rows, 0, SIZE_BYTES), NULL, 10);
    const char *only_if = s3_header(&exchange->request, "if-range");
    const char *wanted = only_if != NULL && strcmp(only_if, etag) != 0
                             ? NULL
                             : s3_header(&exchange->request, "range");
    ByteRange range;
    RangeKind kind = range_parse(text_of(wanted), size_bytes, &range);
    if (kind == RANGE_UNSATISFIABLE) {
        return s3_refuse(exchange, S3_INVALID_RANGE, "The object has %" PRId64 " bytes.",
                         size_bytes);
    }
    if (!open_file(exchange, PQgetvalue(rows, 0, FILE_ID))) {
        return false;
    }
    answer->first = range.first;
    answer->length = range.length;
    add_headers(exchange, PQgetvalue(rows, 0, CONTENT_TYPE), PQgetvalue(rows, 0, HEADERS));
    if (kind == RANGE_PART) {
        s3_answer_header(exchange, "Content-Range",
                         arena_format(&exchange->arena, "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
                                      range.first, range.first + range.length - 1, size_bytes));
    }
    s3_answer(exchange, kind == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK);
    return true;
}

bool s3_get_object(S3Exchange *exchange)
{
    const S3Request *request = &exchange->request;
    const char *const values[] = {exchange->bucket_name, request->object_key};
    AUTO_RESULT *rows = NULL;
    if (!check_overrides(exchange) ||
        !s3_run(exchange, SQL_GET_BUCKET_OBJECT, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        return s3_refuse(exchange, S3_NO_SUCH_KEY, "The key has no object.");
    }
    const char *etag = arena_format(&exchange->arena, "\"%s\"", PQgetvalue(rows, 0, ETAG));
    const char *if_match = s3_header(request, "if-match");
    const char *if_none_match = s3_header(request, "if-none-match");
    if (if_match != NULL && !etag_is_listed(text_of(if_match), etag)) {
        return s3_refuse(exchange, S3_PRECONDITION_FAILED, "The object has another ETag.");
    }
    s3_answer_header(exchange, "ETag", etag);
    s3_answer_header(exchange, "Last-Modified",
                     http_time(exchange, PQgetvalue(rows, 0, STORED_SECONDS)));
    s3_answer_header(exchange, "Accept-Ranges", "bytes");
    if (if_none_match != NULL && etag_is_listed(text_of(if_none_match), etag)) {
        s3_answer(exchange, MHD_HTTP_NOT_MODIFIED);
        return true;
    }
    return send_part(exchange, rows, etag);
}

static bool delete_keys(S3Exchange *exchange, ArrayWriter *keys)
{
    const char *const values[] = {exchange->bucket_name, array_finish(keys)};
    AUTO_RESULT *rows = NULL;
    return s3_run(exchange, SQL_DELETE_BUCKET_OBJECTS, values, ARRAY_COUNT(values), &rows);
}

bool s3_delete_object(S3Exchange *exchange)
{
    AUTO_ARRAY keys;
    array_init(&keys, (size_t)2 * S3_KEY_BYTES_MAX + 8);
    array_add_string(&keys, exchange->request.object_key);
    s3_answer(exchange, MHD_HTTP_NO_CONTENT);
    return delete_keys(exchange, &keys);
}

/* What a document of DeleteObjects asks for. */
typedef struct Deletions {
    ArrayWriter keys;
    Buffer answer; /* the elements of what was deleted */
    bool quiet;
    const char *trouble; /* NULL: none */
} Deletions;

static void visit_deletion(void *context, const char *path, Text text)
{
    Deletions *deletions = context;
    if (strcmp(path, "Delete/Quiet") == 0) {
        deletions->quiet = text_is(text_trim(text), "true");
    } else if (strcmp(path, "Delete/Object/VersionId") == 0) {
        deletions->trouble = "Objects have no versions.";
    } else if (strcmp(path, "Delete/Object/Key") == 0) {
        if (deletions->keys.count == DELETIONS_MAX) {
            deletions->trouble = "More than 1000 keys are named.";
        } else if (text.length == 0 || text.length > S3_KEY_BYTES_MAX || !text_is_utf8(text)) {
            deletions->trouble = "A key is not valid.";
        } else {
            array_add(&deletions->keys, text);
            buffer_string(&deletions->answer, "<Deleted><Key>");
            s3_xml_text(&deletions->answer, text);
            buffer_string(&deletions->answer, "</Key></Deleted>");
        }
    }
}

static void deletions_clear(Deletions *deletions)
{
    array_clear(&deletions->keys);
    buffer_clear(&deletions->answer);
}

bool s3_delete_objects(S3Exchange *exchange)
{
    enum { ARRAY_BYTES_MAX = DELETIONS_MAX * (2 * S3_KEY_BYTES_MAX + 8) };
    char md5[MD5_HEX_BYTES];
    CLEANUP(deletions_clear) Deletions deletions = {.quiet = false};
    Error error = {0};
    array_init(&deletions.keys, ARRAY_BYTES_MAX);
    buffer_init(&deletions.answer, exchange->answer.body.maximum);
    if (!s3_body_finish(&exchange->body, md5, &exchange->fault)) {
        return false;
    }
    if (!xml_walk(buffer_view(&exchange->document), visit_deletion, &deletions, &error) ||
        deletions.keys.count == 0 || deletions.trouble != NULL) {
        return s3_refuse(exchange, S3_MALFORMED_XML, "The document is not valid. %s",
                         deletions.trouble != NULL ? deletions.trouble : "");
    }
    if (!delete_keys(exchange, &deletions.keys)) {
        return false;
    }
    Buffer *out = s3_answer_xml(exchange, "DeleteResult");
    if (!deletions.quiet) {
        buffer_text(out, buffer_view(&deletions.answer));
    }
    buffer_string(out, "</DeleteResult>\n");
    return true;
}
