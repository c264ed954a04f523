/* SPDX-License-Identifier: Apache-2.0 */
/* Multipart uploads: begun, put together of their parts, given up; see s3_exchange.h. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/parse.h"
#include "buckets/s3_exchange.h"
#include "buckets_sql.h"
#include "objectstore/xml.h"

enum {
    PARTS_MAX = 10000,
    PART_BYTES_MIN = 5 * 1024 * 1024, /* of all but the last one, by S3's rule */
    OPEN_UPLOADS_MAX = 1000,
    COPY_BYTES = 256 * 1024,
    ETAG_BYTES = 64,
    MD5_DIGEST_BYTES = 16
};

bool s3_read_upload_id(S3Exchange *exchange)
{
    Uuid id;
    if (!uuid_parse(text_of(s3_parameter(&exchange->request, "uploadId")), &id)) {
        return s3_refuse(exchange, S3_NO_SUCH_UPLOAD, "There is no such multipart upload.");
    }
    exchange->upload_id = arena_string(&exchange->arena, text_of(id.text));
    return true;
}

bool s3_begin_part(S3Exchange *exchange)
{
    if (!s3_read_upload_id(exchange) ||
        !s3_number(exchange, "partNumber", PARTS_MAX, 0, &exchange->part_number)) {
        return false;
    }
    if (exchange->part_number == 0) {
        return s3_refuse(exchange, S3_INVALID_ARGUMENT, "partNumber must be from 1 to %d.",
                         PARTS_MAX);
    }
    return s3_begin_file(exchange);
}

bool s3_begin_upload(S3Exchange *exchange)
{
    const char *type = NULL;
    const char *headers = NULL;
    Uuid id = uuid_create(exchange->server->options.clock);
    if (!s3_read_metadata(exchange, &type, &headers)) {
        return false;
    }
    const char *const values[] = {id.text,
                                  exchange->bucket_name,
                                  exchange->request.object_key,
                                  type,
                                  headers,
                                  s3_number_text(exchange, OPEN_UPLOADS_MAX)};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_BEGIN_BUCKET_UPLOAD, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    if (*PQgetvalue(rows, 0, 0) != 't') {
        return s3_refuse(exchange, S3_QUOTA_EXCEEDED,
                         "The bucket has %d multipart uploads that are not ended: abort some.",
                         OPEN_UPLOADS_MAX);
    }
    Buffer *out = s3_answer_xml(exchange, "InitiateMultipartUploadResult");
    s3_xml_element(out, "Bucket", exchange->bucket_name);
    s3_xml_element(out, "Key", exchange->request.object_key);
    s3_xml_element(out, "UploadId", id.text);
    buffer_string(out, "</InitiateMultipartUploadResult>\n");
    return true;
}

bool s3_abort_upload(S3Exchange *exchange)
{
    if (!s3_read_upload_id(exchange)) {
        return false;
    }
    const char *const values[] = {exchange->bucket_name, exchange->request.object_key,
                                  exchange->upload_id};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_ABORT_BUCKET_UPLOAD, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    if (*PQgetvalue(rows, 0, 0) != 't') {
        return s3_refuse(exchange, S3_NO_SUCH_UPLOAD, "There is no such multipart upload.");
    }
    s3_answer(exchange, MHD_HTTP_NO_CONTENT);
    return true;
}

/* Completion. */

typedef struct NamedPart {
    int64_t number;
    char etag[ETAG_BYTES]; /* without quotes */
} NamedPart;

/* The parts that a document names, in its order. */
typedef struct PartList {
    NamedPart *parts; /* PARTS_MAX of them */
    size_t count;
    NamedPart next;
    bool valid;
} PartList;

static void part_list_clear(PartList *list)
{
    alloc_free(list->parts);
}

static Text without_quotes(Text text)
{
    Text etag = text_trim(text);
    if (etag.length >= 2 && etag.bytes[0] == '"' && etag.bytes[etag.length - 1] == '"') {
        etag = (Text){etag.bytes + 1, etag.length - 2};
    }
    return etag;
}

static void visit_part(void *context, const char *path, Text text)
{
    PartList *list = context;
    if (strcmp(path, "CompleteMultipartUpload/Part/PartNumber") == 0) {
        list->valid &= parse_int64(text_trim(text), 1, PARTS_MAX, &list->next.number);
    } else if (strcmp(path, "CompleteMultipartUpload/Part/ETag") == 0) {
        list->valid &= text_copy(without_quotes(text), list->next.etag, sizeof list->next.etag);
    } else if (strcmp(path, "CompleteMultipartUpload/Part") == 0) {
        bool fits = list->count < PARTS_MAX && list->next.number > 0 && list->next.etag[0] != '\0';
        list->valid &= fits;
        if (fits) {
            list->parts[list->count++] = list->next;
        }
        list->next = (NamedPart){.number = 0};
    }
}

static bool read_parts(S3Exchange *exchange, PartList *list)
{
    Error error = {0};
    char md5[MD5_HEX_BYTES];
    if (!s3_body_finish(&exchange->body, md5, &exchange->fault)) {
        return false;
    }
    if (!xml_walk(buffer_view(&exchange->document), visit_part, list, &error) || !list->valid ||
        list->count == 0) {
        return s3_refuse(exchange, S3_MALFORMED_XML, "The document is not valid.");
    }
    for (size_t i = 1; i < list->count; i++) {
        if (list->parts[i].number <= list->parts[i - 1].number) {
            return s3_refuse(exchange, S3_INVALID_PART_ORDER,
                             "The parts are not in the order of their numbers.");
        }
    }
    return true;
}

/* The rows of list_bucket_parts. */
enum { PART_NUMBER, FILE_ID, SIZE_BYTES, ETAG };

/* The row of each named part, in the place of its number; both are in order. */
static bool
match_parts(S3Exchange *exchange, const PGresult *rows, PartList *list, int64_t *bytes_out)
{
    int row = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        NamedPart *part = &list->parts[i];
        while (row < PQntuples(rows) &&
               strtoll(PQgetvalue(rows, row, PART_NUMBER), NULL, 10) < part->number) {
            row++;
        }
        if (row == PQntuples(rows) || PQgetisnull(rows, row, PART_NUMBER) ||
            strtoll(PQgetvalue(rows, row, PART_NUMBER), NULL, 10) != part->number ||
            strcmp(PQgetvalue(rows, row, ETAG), part->etag) != 0) {
            return s3_refuse(exchange, S3_INVALID_PART,
                             "Part %" PRId64 " was not stored, or has another ETag.", part->number);
        }
        int64_t size_bytes = strtoll(PQgetvalue(rows, row, SIZE_BYTES), NULL, 10);
        if (size_bytes < PART_BYTES_MIN && i + 1 < list->count) {
            return s3_refuse(exchange, S3_ENTITY_TOO_SMALL,
                             "Part %" PRId64 " has less than %d bytes, and is not the last one.",
                             part->number, PART_BYTES_MIN);
        }
        bytes += size_bytes;
        part->number = row;
    }
    *bytes_out = bytes;
    return bytes <= OBJECT_BYTES_MAX ||
           s3_refuse(exchange, S3_ENTITY_TOO_LARGE, "An object has at most %lld bytes.",
                     (long long)OBJECT_BYTES_MAX);
}

/* The checksum of the whole object, when the sender says one; that of its parts' checksums, which
 * ends with their number, says nothing that the parts did not. */
static ChecksumKind whole_checksum(const S3Request *request, Text *value_out)
{
    for (size_t i = 0; i < request->header_count; i++) {
        ChecksumKind kind = checksum_kind(text_of(request->headers[i].name));
        if (kind != CHECKSUM_NONE && strchr(request->headers[i].value, '-') == NULL) {
            *value_out = text_of(request->headers[i].value);
            return kind;
        }
    }
    return CHECKSUM_NONE;
}

/* Appends a part's file to the upload. `check` is NULL when nothing is to be checked. */
static bool copy_part(S3Exchange *exchange, const char *file_id, PayloadCheck *check, Error *error)
{
    AUTO_FD fd = -1;
    int64_t size_bytes = 0;
    ObjectStore *store = exchange->server->options.store;
    AUTO_FREE char *key = bucket_store_key(exchange->bucket_name, file_id);
    AUTO_FREE char *bytes = alloc_array(COPY_BYTES, 1);
    if (!objectstore_read(store, key, &fd, &size_bytes, error)) {
        return false;
    }
    while (!atomic_load(&exchange->server->stopping)) {
        ssize_t got = fd_read_all(fd, bytes, COPY_BYTES);
        if (got <= 0) {
            return got == 0 || error_set(error, ERROR_INTERNAL, "a part's file cannot be read: %m");
        }
        if (!upload_write(exchange->upload, bytes, (size_t)got, error)) {
            return false;
        }
        if (check != NULL) {
            payload_check_update(check, bytes, (size_t)got);
        }
    }
    return error_set(error, ERROR_UNAVAILABLE, "the server stops");
}

static bool reserve_whole(S3Exchange *exchange, int64_t bytes, int64_t *room_out)
{
    /* It takes the place of its parts, so that any quota that they met is met. */
    const char *const values[] = {exchange->bucket_name,
                                  exchange->request.object_key,
                                  exchange->upload_id,
                                  NULL,
                                  exchange->file_id.text,
                                  "0",
                                  s3_number_text(exchange, bytes)};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_BEGIN_BUCKET_FILE, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    *room_out = PQgetisnull(rows, 0, 0) ? -1 : 0;
    return true;
}

static bool
copy_parts(S3Exchange *exchange, const PGresult *rows, const PartList *list, int64_t bytes)
{
    Error error = {0};
    Text checksum = {NULL, 0};
    ChecksumKind kind = whole_checksum(&exchange->request, &checksum);
    AUTO_FREE char *key = bucket_store_key(exchange->bucket_name, exchange->file_id.text);
    if (!upload_begin(exchange->server->options.store, key, bytes, &exchange->upload, &error)) {
        return s3_fail(exchange, &error);
    }
    CLEANUP(payload_check_clear) PayloadCheck check = {.kind = CHECKSUM_NONE};
    if (kind != CHECKSUM_NONE) {
        payload_check_init(&check, false, kind);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!copy_part(exchange, PQgetvalue(rows, (int)list->parts[i].number, FILE_ID),
                       kind == CHECKSUM_NONE ? NULL : &check, &error)) {
            /* Another call may have ended the upload and its parts meanwhile. */
            return error.code == ERROR_NOT_FOUND
                       ? s3_refuse(exchange, S3_NO_SUCH_UPLOAD,
                                   "The multipart upload was ended meanwhile.")
                       : s3_fail(exchange, &error);
        }
    }
    char md5[MD5_HEX_BYTES];
    const PayloadClaims claims = {.checksum = checksum};
    return kind == CHECKSUM_NONE || payload_check_finish(&check, &claims, md5, &exchange->fault);
}

/* The MD5 of the parts' MD5s, "-" and their number, as S3 has it. */
static const char *whole_etag(S3Exchange *exchange, const PartList *list)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char text[MD5_HEX_BYTES];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_md5(), NULL) != 1) {
        abort();
    }
    for (size_t i = 0; i < list->count; i++) {
        unsigned char part[MD5_DIGEST_BYTES];
        for (size_t k = 0; k < sizeof part; k++) {
            char digits[3] = {list->parts[i].etag[2 * k], list->parts[i].etag[2 * k + 1], '\0'};
            part[k] = (unsigned char)strtoul(digits, NULL, 16);
        }
        if (EVP_DigestUpdate(context, part, sizeof part) != 1) {
            abort();
        }
    }
    if (EVP_DigestFinal_ex(context, hash, NULL) != 1) {
        abort();
    }
    EVP_MD_CTX_free(context);
    for (size_t k = 0; k < MD5_DIGEST_BYTES; k++) {
        snprintf(text + 2 * k, 3, "%02x", hash[k]);
    }
    return arena_format(&exchange->arena, "%s-%zu", text, list->count);
}

static bool answer_completed(S3Exchange *exchange, const char *etag)
{
    Buffer *out = s3_answer_xml(exchange, "CompleteMultipartUploadResult");
    s3_xml_element(out, "Location", exchange->request.path);
    s3_xml_element(out, "Bucket", exchange->bucket_name);
    s3_xml_element(out, "Key", exchange->request.object_key);
    s3_xml_element(out, "ETag", arena_format(&exchange->arena, "\"%s\"", etag));
    buffer_string(out, "</CompleteMultipartUploadResult>\n");
    return true;
}

/* A client asks again when the answer was lost, or took too long. */
static bool answer_again(S3Exchange *exchange)
{
    const char *const values[] = {exchange->bucket_name, exchange->request.object_key,
                                  exchange->upload_id};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_FIND_COMPLETED_UPLOAD, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        return s3_refuse(exchange, S3_NO_SUCH_UPLOAD, "There is no such multipart upload.");
    }
    exchange->fault.code = S3_NONE;
    return answer_completed(exchange, PQgetvalue(rows, 0, 0));
}

static bool commit_whole(S3Exchange *exchange, const PartList *list)
{
    ObjectFacts facts;
    Error error = {0};
    if (!upload_commit(exchange->upload, &facts, &error)) {
        return s3_fail(exchange, &error);
    }
    const char *etag = whole_etag(exchange, list);
    const char *const values[] = {exchange->bucket_name,
                                  exchange->request.object_key,
                                  exchange->upload_id,
                                  exchange->file_id.text,
                                  s3_number_text(exchange, facts.size_bytes),
                                  etag};
    AUTO_RESULT *rows = NULL;
    if (!s3_run(exchange, SQL_COMPLETE_BUCKET_UPLOAD, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    const char *outcome = PQgetvalue(rows, 0, 0);
    if (strcmp(outcome, "STORED") == 0 || strcmp(outcome, "DONE") == 0) {
        return answer_completed(exchange, etag);
    }
    if (strcmp(outcome, "NO_SUCH_UPLOAD") == 0) {
        return s3_refuse(exchange, S3_NO_SUCH_UPLOAD, "There is no such multipart upload.");
    }
    return s3_refuse(exchange, S3_REQUEST_TIMEOUT, "The upload took longer than a day.");
}

static bool complete_open(S3Exchange *exchange, const PGresult *rows, PartList *list)
{
    int64_t bytes = 0;
    int64_t room = 0;
    exchange->file_id = uuid_create(exchange->server->options.clock);
    if (!match_parts(exchange, rows, list, &bytes) || !reserve_whole(exchange, bytes, &room)) {
        return false;
    }
    return room < 0 ? answer_again(exchange)
                    : copy_parts(exchange, rows, list, bytes) && commit_whole(exchange, list);
}

bool s3_complete_upload(S3Exchange *exchange)
{
    CLEANUP(part_list_clear)
    PartList list = {.parts = alloc_array(PARTS_MAX, sizeof(NamedPart)), .valid = true};
    AUTO_RESULT *rows = NULL;
    if (!read_parts(exchange, &list) || !s3_read_upload_id(exchange)) {
        return false;
    }
    const char *const values[] = {exchange->bucket_name, exchange->request.object_key,
                                  exchange->upload_id, "0", s3_number_text(exchange, PARTS_MAX)};
    if (!s3_run(exchange, SQL_LIST_BUCKET_PARTS, values, ARRAY_COUNT(values), &rows)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        return answer_again(exchange);
    }
    return complete_open(exchange, rows, &list) ||
           (exchange->fault.code == S3_NO_SUCH_UPLOAD && answer_again(exchange));
}
