/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of objects, multipart uploads, parts and buckets; see s3_exchange.h. */
#include <string.h>

#include "base/base64.h"
#include "base/percent.h"
#include "base/text.h"
#include "buckets/s3_exchange.h"
#include "buckets_sql.h"

enum {
    ENTRIES_MAX = 1000,
    /* The last character of Unicode, as often as a key may have it: behind all that begin so. */
    LAST_CHARACTERS = S3_KEY_BYTES_MAX / 4,
    PLACE_BYTES_MAX = 2 * S3_KEY_BYTES_MAX + 8
};

#define LAST_CHARACTER "\xF4\x8F\xBF\xBF"
#define LARGEST_UUID                                                                               \
    "ffffffff-ffff-ffff-ffff-ffffffffffff" /* without a marker: all of the key are behind */

/* "url": keys are percent-encoded, since XML has no place for some of their characters. */
static bool read_encoding(S3Exchange *exchange, bool *encoded_out)
{
    const char *type = s3_parameter(&exchange->request, "encoding-type");
    *encoded_out = type != NULL;
    return type == NULL || strcmp(type, "url") == 0 ||
           s3_refuse(exchange, S3_INVALID_ARGUMENT, "encoding-type must be url.");
}

static void write_key(Buffer *out, const char *name, const char *key, bool encoded)
{
    buffer_format(out, "<%s>", name);
    if (encoded) {
        percent_encode_path(out, text_of(key));
    } else {
        s3_xml_text(out, text_of(key));
    }
    buffer_format(out, "</%s>", name);
}

static const char *text_parameter(const S3Exchange *exchange, const char *name)
{
    const char *value = s3_parameter(&exchange->request, name);
    return value == NULL ? "" : value;
}

static bool check_texts(S3Exchange *exchange)
{
    static const char *const NAMES[] = {"prefix", "delimiter", "start-after", "key-marker"};
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        if (strlen(text_parameter(exchange, NAMES[i])) > S3_KEY_BYTES_MAX) {
            return s3_refuse(exchange, S3_INVALID_ARGUMENT, "%s is longer than %d bytes.", NAMES[i],
                             S3_KEY_BYTES_MAX);
        }
    }
    return true;
}

/* Where a list goes on. A token is the last entry in base64url behind a letter: "k", a key, or "p",
 * a prefix, behind whose keys it goes on. */
static const char *write_token(S3Exchange *exchange, const char *entry, bool is_prefix)
{
    const char *plain = arena_format(&exchange->arena, "%c%s", is_prefix ? 'p' : 'k', entry);
    size_t length = strlen(plain);
    char *token = arena_alloc(&exchange->arena, BASE64_BYTES(length));
    base64url_encode(plain, length, token);
    return token;
}

static bool read_token(S3Exchange *exchange, const char *token, const char **after_out)
{
    AUTO_BUFFER plain;
    buffer_init(&plain, PLACE_BYTES_MAX);
    if (!base64url_decode(text_of(token), &plain) || plain.overflow || plain.length < 1 ||
        plain.length > S3_KEY_BYTES_MAX + 1 || !text_is_utf8(buffer_view(&plain)) ||
        memchr(plain.bytes, '\0', plain.length) != NULL) {
        return s3_refuse(exchange, S3_INVALID_ARGUMENT, "The continuation token is not valid.");
    }
    if (plain.bytes[0] == 'p') {
        for (int i = 0; i < LAST_CHARACTERS; i++) {
            buffer_string(&plain, LAST_CHARACTER);
        }
    }
    *after_out = arena_string(&exchange->arena, text_from(buffer_view(&plain), 1));
    return true;
}

/* The rows of list_bucket_objects. */
enum { ENTRY, IS_PREFIX, SIZE_BYTES, ETAG, STORED_AT };

static void write_entry(Buffer *out, const PGresult *rows, int row, bool encoded)
{
    if (*PQgetvalue(rows, row, IS_PREFIX) == 't') {
        buffer_string(out, "<CommonPrefixes>");
        write_key(out, "Prefix", PQgetvalue(rows, row, ENTRY), encoded);
        buffer_string(out, "</CommonPrefixes>");
        return;
    }
    buffer_string(out, "<Contents>");
    write_key(out, "Key", PQgetvalue(rows, row, ENTRY), encoded);
    s3_xml_element(out, "LastModified", PQgetvalue(rows, row, STORED_AT));
    buffer_format(out, "<ETag>&quot;%s&quot;</ETag>", PQgetvalue(rows, row, ETAG));
    s3_xml_element(out, "Size", PQgetvalue(rows, row, SIZE_BYTES));
    buffer_string(out, "<StorageClass>STANDARD</StorageClass></Contents>");
}

static void write_objects(S3Exchange *exchange, const PGresult *rows, int64_t maximum, bool encoded)
{
    bool more = PQntuples(rows) > maximum;
    int count = more ? (int)maximum : PQntuples(rows);
    Buffer *out = s3_answer_xml(exchange, "ListBucketResult");
    s3_xml_element(out, "Name", exchange->bucket_name);
    write_key(out, "Prefix", text_parameter(exchange, "prefix"), encoded);
    if (s3_parameter(&exchange->request, "delimiter") != NULL) {
        write_key(out, "Delimiter", text_parameter(exchange, "delimiter"), encoded);
    }
    if (s3_parameter(&exchange->request, "start-after") != NULL) {
        write_key(out, "StartAfter", text_parameter(exchange, "start-after"), encoded);
    }
    if (encoded) {
        s3_xml_element(out, "EncodingType", "url");
    }
    s3_xml_element(out, "MaxKeys", s3_number_text(exchange, maximum));
    s3_xml_element(out, "KeyCount", s3_number_text(exchange, count));
    s3_xml_element(out, "IsTruncated", more && count > 0 ? "true" : "false");
    if (s3_parameter(&exchange->request, "continuation-token") != NULL) {
        s3_xml_element(out, "ContinuationToken", text_parameter(exchange, "continuation-token"));
    }
    if (more && count > 0) {
        const char *token = write_token(exchange, PQgetvalue(rows, count - 1, ENTRY),
                                        *PQgetvalue(rows, count - 1, IS_PREFIX) == 't');
        s3_xml_element(out, "NextContinuationToken", token);
    }
    for (int row = 0; row < count; row++) {
        write_entry(out, rows, row, encoded);
    }
    buffer_string(out, "</ListBucketResult>\n");
}

bool s3_list_objects(S3Exchange *exchange)
{
    bool encoded = false;
    int64_t maximum = 0;
    const char *token = s3_parameter(&exchange->request, "continuation-token");
    const char *after = text_parameter(exchange, "start-after");
    if (!read_encoding(exchange, &encoded) || !check_texts(exchange) ||
        !s3_number(exchange, "max-keys", INT32_MAX, ENTRIES_MAX, &maximum) ||
        (token != NULL && !read_token(exchange, token, &after))) {
        return false;
    }
    maximum = maximum < ENTRIES_MAX ? maximum : ENTRIES_MAX;
    const char *const values[] = {exchange->bucket_name, text_parameter(exchange, "prefix"),
                                  text_parameter(exchange, "delimiter"), after,
                                  s3_number_text(exchange, maximum + 1)};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_LIST_BUCKET_OBJECTS, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    write_objects(exchange, rows, maximum, encoded);
    return true;
}

/* The rows of list_bucket_uploads. */
enum { UPLOAD_KEY, UPLOAD_ID, BEGUN_AT };

static void write_uploads(S3Exchange *exchange, const PGresult *rows, int64_t maximum, bool encoded)
{
    bool more = PQntuples(rows) > maximum;
    int count = more ? (int)maximum : PQntuples(rows);
    Buffer *out = s3_answer_xml(exchange, "ListMultipartUploadsResult");
    s3_xml_element(out, "Bucket", exchange->bucket_name);
    write_key(out, "Prefix", text_parameter(exchange, "prefix"), encoded);
    if (encoded) {
        s3_xml_element(out, "EncodingType", "url");
    }
    s3_xml_element(out, "MaxUploads", s3_number_text(exchange, maximum));
    s3_xml_element(out, "IsTruncated", more && count > 0 ? "true" : "false");
    if (more && count > 0) {
        write_key(out, "NextKeyMarker", PQgetvalue(rows, count - 1, UPLOAD_KEY), encoded);
        s3_xml_element(out, "NextUploadIdMarker", PQgetvalue(rows, count - 1, UPLOAD_ID));
    }
    for (int row = 0; row < count; row++) {
        buffer_string(out, "<Upload>");
        write_key(out, "Key", PQgetvalue(rows, row, UPLOAD_KEY), encoded);
        s3_xml_element(out, "UploadId", PQgetvalue(rows, row, UPLOAD_ID));
        s3_xml_element(out, "Initiated", PQgetvalue(rows, row, BEGUN_AT));
        buffer_string(out, "<StorageClass>STANDARD</StorageClass></Upload>");
    }
    buffer_string(out, "</ListMultipartUploadsResult>\n");
}

bool s3_list_uploads(S3Exchange *exchange)
{
    bool encoded = false;
    int64_t maximum = 0;
    Uuid after;
    const char *marker = s3_parameter(&exchange->request, "upload-id-marker");
    if (!read_encoding(exchange, &encoded) || !check_texts(exchange) ||
        !s3_number(exchange, "max-uploads", INT32_MAX, ENTRIES_MAX, &maximum)) {
        return false;
    }
    if (text_parameter(exchange, "delimiter")[0] != '\0') {
        return s3_refuse(exchange, S3_NOT_IMPLEMENTED,
                         "Multipart uploads are listed without a delimiter.");
    }
    bool has_marker = string_is_given(marker);
    if (has_marker && !uuid_parse(text_of(marker), &after)) {
        return s3_refuse(exchange, S3_INVALID_ARGUMENT, "upload-id-marker is not valid.");
    }
    maximum = maximum < ENTRIES_MAX ? maximum : ENTRIES_MAX;
    const char *const values[] = {exchange->bucket_name, text_parameter(exchange, "prefix"),
                                  text_parameter(exchange, "key-marker"),
                                  has_marker ? after.text : LARGEST_UUID,
                                  s3_number_text(exchange, maximum + 1)};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_LIST_BUCKET_UPLOADS, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    write_uploads(exchange, rows, maximum, encoded);
    return true;
}

/* The rows of list_bucket_parts. */
enum { PART_NUMBER, PART_FILE, PART_SIZE, PART_ETAG, PART_STORED_AT };

static void write_parts(S3Exchange *exchange, const PGresult *rows, int64_t maximum, int64_t after)
{
    int found = PQgetisnull(rows, 0, PART_NUMBER) ? 0 : PQntuples(rows);
    bool more = found > maximum;
    int count = more ? (int)maximum : found;
    Buffer *out = s3_answer_xml(exchange, "ListPartsResult");
    s3_xml_element(out, "Bucket", exchange->bucket_name);
    s3_xml_element(out, "Key", exchange->request.object_key);
    s3_xml_element(out, "UploadId", exchange->upload_id);
    s3_xml_element(out, "PartNumberMarker", s3_number_text(exchange, after));
    s3_xml_element(out, "MaxParts", s3_number_text(exchange, maximum));
    s3_xml_element(out, "IsTruncated", more && count > 0 ? "true" : "false");
    if (more && count > 0) {
        s3_xml_element(out, "NextPartNumberMarker", PQgetvalue(rows, count - 1, PART_NUMBER));
    }
    for (int row = 0; row < count; row++) {
        buffer_string(out, "<Part>");
        s3_xml_element(out, "PartNumber", PQgetvalue(rows, row, PART_NUMBER));
        s3_xml_element(out, "LastModified", PQgetvalue(rows, row, PART_STORED_AT));
        buffer_format(out, "<ETag>&quot;%s&quot;</ETag>", PQgetvalue(rows, row, PART_ETAG));
        s3_xml_element(out, "Size", PQgetvalue(rows, row, PART_SIZE));
        buffer_string(out, "</Part>");
    }
    buffer_string(out, "</ListPartsResult>\n");
}

bool s3_list_parts(S3Exchange *exchange)
{
    int64_t maximum = 0;
    int64_t after = 0;
    if (!s3_read_upload_id(exchange) ||
        !s3_number(exchange, "max-parts", INT32_MAX, ENTRIES_MAX, &maximum) ||
        !s3_number(exchange, "part-number-marker", INT32_MAX, 0, &after)) {
        return false;
    }
    maximum = maximum < ENTRIES_MAX ? maximum : ENTRIES_MAX;
    const char *const values[] = {exchange->bucket_name, exchange->request.object_key,
                                  exchange->upload_id, s3_number_text(exchange, after),
                                  s3_number_text(exchange, maximum + 1)};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_LIST_BUCKET_PARTS, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        return s3_refuse(exchange, S3_NO_SUCH_UPLOAD, "There is no such multipart upload.");
    }
    write_parts(exchange, rows, maximum, after);
    return true;
}

bool s3_list_buckets(S3Exchange *exchange)
{
    Buffer *out = s3_answer_xml(exchange, "ListAllMyBucketsResult");
    buffer_string(out, "<Buckets><Bucket>");
    s3_xml_element(out, "Name", exchange->bucket_name);
    buffer_string(out, "</Bucket></Buckets></ListAllMyBucketsResult>\n");
    return true;
}

bool s3_head_bucket(S3Exchange *exchange)
{
    s3_answer(exchange, MHD_HTTP_OK);
    return true;
}

bool s3_get_location(S3Exchange *exchange)
{
    Buffer *out = s3_answer_xml(exchange, "LocationConstraint");
    buffer_string(out, "</LocationConstraint>\n");
    return true;
}
