/* SPDX-License-Identifier: Apache-2.0 */
/* What all operations need, and which there are; see s3_exchange.h. */
#include "buckets/s3_exchange.h"

#include <assert.h>
#include <inttypes.h>

#include "base/log.h"
#include "base/parse.h"

const S3Handler S3_HANDLERS[S3_OPERATION_COUNT] = {
    [S3_LIST_BUCKETS] = {S3_BODY_IGNORED, s3_list_buckets, NULL},
    [S3_HEAD_BUCKET] = {S3_BODY_IGNORED, s3_head_bucket, NULL},
    [S3_GET_BUCKET_LOCATION] = {S3_BODY_IGNORED, s3_get_location, NULL},
    [S3_LIST_OBJECTS] = {S3_BODY_IGNORED, s3_list_objects, NULL},
    [S3_LIST_UPLOADS] = {S3_BODY_IGNORED, s3_list_uploads, NULL},
    [S3_DELETE_OBJECTS] = {S3_BODY_DOCUMENT, NULL, s3_delete_objects},
    [S3_GET_OBJECT] = {S3_BODY_IGNORED, s3_get_object, NULL},
    [S3_HEAD_OBJECT] = {S3_BODY_IGNORED, s3_get_object, NULL},
    [S3_PUT_OBJECT] = {S3_BODY_FILE, s3_begin_object, s3_store_object},
    [S3_DELETE_OBJECT] = {S3_BODY_IGNORED, s3_delete_object, NULL},
    [S3_BEGIN_UPLOAD] = {S3_BODY_IGNORED, s3_begin_upload, NULL},
    [S3_PUT_PART] = {S3_BODY_FILE, s3_begin_part, s3_store_part},
    [S3_LIST_PARTS] = {S3_BODY_IGNORED, s3_list_parts, NULL},
    [S3_COMPLETE_UPLOAD] = {S3_BODY_DOCUMENT, NULL, s3_complete_upload},
    [S3_ABORT_UPLOAD] = {S3_BODY_IGNORED, s3_abort_upload, NULL},
};

bool s3_fail(S3Exchange *exchange, const Error *error)
{
    log_error(LOG_ERROR, EVENT_BUCKET_FAILED, error);
    return s3_fault_of_error(&exchange->fault, error);
}

bool s3_run(S3Exchange *exchange,
            const char *sql,
            const char *const *values,
            int value_count,
            PGresult **rows_out)
{
    Error error = {0};
    return bucket_database_run(exchange->server->database, sql, values, value_count, rows_out,
                               &error) ||
           s3_fail(exchange, &error);
}

void s3_answer(S3Exchange *exchange, int status)
{
    exchange->answer.status = status;
}

void s3_answer_header(S3Exchange *exchange, const char *name, const char *value)
{
    S3Answer *answer = &exchange->answer;
    if (answer->header_count < S3_ANSWER_HEADERS_MAX) {
        answer->headers[answer->header_count++] = (SigV4Field){name, value};
    }
}

Buffer *s3_answer_xml(S3Exchange *exchange, const char *root)
{
    s3_answer(exchange, 200);
    s3_answer_header(exchange, MHD_HTTP_HEADER_CONTENT_TYPE, "application/xml");
    buffer_format(&exchange->answer.body,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
                  root);
    return &exchange->answer.body;
}

void s3_xml_element(Buffer *out, const char *name, const char *text)
{
    buffer_format(out, "<%s>", name);
    s3_xml_text(out, text_of(text));
    buffer_format(out, "</%s>", name);
}

bool s3_number(
    S3Exchange *exchange, const char *name, int64_t maximum, int64_t fallback, int64_t *number_out)
{
    const char *text = s3_parameter(&exchange->request, name);
    *number_out = fallback;
    return text == NULL || parse_int64(text_of(text), 0, maximum, number_out) ||
           s3_refuse(exchange, S3_INVALID_ARGUMENT, "%s must be a number from 0 to %" PRId64 ".",
                     name, maximum);
}

const char *s3_number_text(S3Exchange *exchange, int64_t number)
{
    return arena_format(&exchange->arena, "%" PRId64, number);
}
