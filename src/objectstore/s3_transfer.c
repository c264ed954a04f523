/* SPDX-License-Identifier: Apache-2.0 */
/* One try; see s3_transfer.h. */
#include "objectstore/s3_transfer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"
#include "objectstore/checksum.h"
#include "objectstore/xml.h"

enum {
    CONNECT_SECONDS = 10,
    CALL_SECONDS = 120,         /* of one without an object's bytes */
    OBJECT_SECONDS = 24 * 3600, /* of one with them: 128 GiB at 1.6 MB/s */
    LOW_SPEED_BYTES = 1024,     /* a transfer slower than this … */
    LOW_SPEED_SECONDS = 30,     /* … for so long counts as broken */
    REFUSAL_BYTES_MAX = 64 * 1024
};

void s3_transfer_init(S3Transfer *transfer, const S3Call *call, S3Answer *answer)
{
    *transfer = (S3Transfer){.call = call, .answer = answer};
    buffer_init(&transfer->refusal, REFUSAL_BYTES_MAX);
    buffer_reset(&answer->body);
}

void s3_transfer_clear(S3Transfer *transfer)
{
    buffer_clear(&transfer->refusal);
}

static int64_t body_bytes(const S3Call *call)
{
    return call->file != NULL ? call->file->size_bytes : (int64_t)call->body.length;
}

static size_t send_bytes(char *out, size_t size, size_t count, void *context)
{
    S3Transfer *transfer = context;
    const S3Call *call = transfer->call;
    size_t room = size * count;
    int64_t left = body_bytes(call) - transfer->sent_bytes;
    size_t length = (int64_t)room < left ? room : (size_t)left;
    if (call->file == NULL) {
        memcpy(out, text_from(call->body, (size_t)transfer->sent_bytes).bytes, length);
    } else if (length > 0) {
        ssize_t got = pread(call->file->fd, out, length, call->file->offset + transfer->sent_bytes);
        if (got <= 0) {
            error_set(&transfer->own, ERROR_INTERNAL, "the file to store cannot be read: %s",
                      got < 0 ? strerror(errno) : "it became shorter");
            return CURL_READFUNC_ABORT;
        }
        length = (size_t)got;
    }
    transfer->sent_bytes += (int64_t)length;
    return length;
}

/* curl sends from the start again when a kept connection turns out to be closed. */
static int seek_bytes(void *context, curl_off_t offset, int origin)
{
    S3Transfer *transfer = context;
    if (origin != SEEK_SET || offset < 0 || offset > body_bytes(transfer->call)) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    transfer->sent_bytes = offset;
    return CURL_SEEKFUNC_OK;
}

/* The store gave all of the object where a part was asked for. */
static bool start_over(S3Transfer *transfer)
{
    int fd = transfer->call->target->fd;
    int64_t received = transfer->answer->received_bytes;
    transfer->answer->received_bytes = 0;
    transfer->answer->crc32c = CRC32C_EMPTY;
    if (fd >= 0 && lseek(fd, -received, SEEK_CUR) < 0) {
        return error_set(&transfer->own, ERROR_INTERNAL, "cannot rewind the download: %m");
    }
    return true;
}

static bool take_object_bytes(S3Transfer *transfer, const char *bytes, size_t length)
{
    const S3Target *target = transfer->call->target;
    S3Answer *answer = transfer->answer;
    if ((int64_t)length > target->bytes_max - answer->received_bytes) {
        transfer->too_large = true;
        return false;
    }
    if (target->fd >= 0 && !fd_write_all(target->fd, bytes, length, &transfer->own)) {
        transfer->own.code = ERROR_INTERNAL; /* no limit of the object's */
        return false;
    }
    answer->crc32c = crc32c_update(answer->crc32c, bytes, length);
    answer->received_bytes += (int64_t)length;
    return true;
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
    S3Transfer *transfer = context;
    size_t length = size * count;
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) {
        buffer_append(&transfer->refusal, bytes, length);
        return length;
    }
    if (transfer->call->target == NULL) {
        buffer_append(&transfer->answer->body, bytes, length);
        transfer->answer_too_long = transfer->answer->body.overflow;
        return transfer->answer_too_long ? 0 : length;
    }
    return take_object_bytes(transfer, bytes, length) ? length : 0;
}

/* The value when the line is that header; else bytes == NULL. */
static Text header_value(Text line, const char *name)
{
    Text value = line;
    Text found = text_split(&value, ':');
    bool same = found.length == strlen(name) && value.bytes != NULL &&
                strncasecmp(found.bytes, name, found.length) == 0;
    return same ? text_trim(value) : (Text){NULL, 0};
}

static void keep(Text value, char out[S3_TEXT_BYTES])
{
    if (value.bytes != NULL && !text_copy(value, out, S3_TEXT_BYTES)) {
        out[0] = '\0';
    }
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    S3Transfer *transfer = context;
    S3Answer *answer = transfer->answer;
    const Text line = {bytes, size * count};
    char date[S3_TEXT_BYTES] = "";
    char etag[S3_TEXT_BYTES] = "";
    char length[S3_TEXT_BYTES] = "";
    keep(header_value(line, "etag"), etag);
    keep(header_value(line, "x-amz-checksum-crc32c"), answer->checksum);
    keep(header_value(line, "x-amz-bucket-region"), transfer->region);
    keep(header_value(line, "date"), date);
    keep(header_value(line, "content-length"), length);
    if (etag[0] != '\0' && answer->received_bytes == 0) {
        snprintf(answer->etag, sizeof answer->etag, "%s", etag);
    }
    if (date[0] != '\0') {
        transfer->date_seconds = (int64_t)curl_getdate(date, NULL);
    }
    if (length[0] != '\0' && !parse_int64(text_of(length), 0, INT64_MAX, &answer->size_bytes)) {
        answer->size_bytes = -1;
    }
    /* The headers are complete: bytes of the object come next. */
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    bool whole_again = text_trim(line).length == 0 && status == 200 &&
                       transfer->call->target != NULL && answer->received_bytes > 0;
    return whole_again && !start_over(transfer) ? 0 : line.length;
}

static int check_abort(
    void *context, curl_off_t total, curl_off_t now, curl_off_t upload_total, curl_off_t upload_now)
{
    const S3Transfer *transfer = context;
    (void)total;
    (void)now;
    (void)upload_total;
    (void)upload_now;
    return transfer->call->abort != NULL && atomic_load(transfer->call->abort) ? 1 : 0;
}

static void set_method(const S3Transfer *transfer)
{
    CURL *curl = transfer->curl;
    const S3Call *call = transfer->call;
    bool sends = strcmp(call->method, "PUT") == 0 || strcmp(call->method, "POST") == 0;
    if (sends) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)body_bytes(call));
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, send_bytes);
        curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, seek_bytes);
        curl_easy_setopt(curl, CURLOPT_SEEKDATA, transfer);
    }
    if (strcmp(call->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    }
}

void s3_transfer_perform(S3Transfer *transfer, CURL *curl)
{
    transfer->curl = curl;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)LOW_SPEED_SECONDS);
    bool has_object = transfer->call->file != NULL || transfer->call->target != NULL;
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)(has_object ? OBJECT_SECONDS : CALL_SECONDS));
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "slideway");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_abort);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    set_method(transfer);
    transfer->code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &transfer->status);
}

static void read_code(void *context, const char *path, Text text)
{
    char *code = context;
    if (strcmp(path, "Error/Code") == 0 && !text_copy(text_trim(text), code, S3_TEXT_BYTES)) {
        code[0] = '\0';
    }
}

/* The code of the store's error, letters and digits only; empty: it gave none. */
static void find_code(Text body, char code[S3_TEXT_BYTES])
{
    Error ignored = {0};
    code[0] = '\0';
    if (body.length > 0 && !xml_walk(body, read_code, code, &ignored)) {
        code[0] = '\0';
    }
    for (const char *c = code; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c)) {
            code[0] = '\0';
            return;
        }
    }
}

static S3Outcome of_curl(const S3Transfer *transfer, Error *error)
{
    switch ((int)transfer->code) {
    case CURLE_ABORTED_BY_CALLBACK:
        error_set(error, ERROR_CONFLICT, "the object is not wanted any more");
        return S3_FAILED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        error_set(error, ERROR_UNAVAILABLE,
                  "the object store's certificate is not trusted (SLIDEWAY_S3_CA_FILE)");
        return S3_FAILED;
    case CURLE_SSL_CERTPROBLEM:
        error_set(error, ERROR_UNAVAILABLE,
                  "the certificate for the object store cannot be used "
                  "(SLIDEWAY_S3_CERTIFICATE_FILE, SLIDEWAY_S3_KEY_FILE)");
        return S3_FAILED;
    default:
        error_set(error, ERROR_UNAVAILABLE, "the object store cannot be reached: %s",
                  curl_easy_strerror(transfer->code));
        return S3_MAY_PASS;
    }
}

static bool is_one_of(const char *code, const char *const *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(code, codes[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_about_key(const char *code)
{
    static const char *const CODES[] = {"InvalidAccessKeyId", "SignatureDoesNotMatch",
                                        "InvalidSecurity", "AuthorizationHeaderMalformed"};
    return is_one_of(code, CODES, ARRAY_COUNT(CODES));
}

/* Of a status 404; the answer to a HEAD has no code. What else cannot be found, as a key that the
 * server does not know, says nothing about the object. */
static bool is_about_object(const char *code)
{
    static const char *const CODES[] = {"", "NoSuchKey", "NoSuchUpload", "NotFound"};
    return is_one_of(code, CODES, ARRAY_COUNT(CODES));
}

static S3Outcome refused_key(const S3Transfer *transfer, const char *code, Error *error)
{
    const char *what = is_about_key(code) ? "does not accept the access key"
                                          : "does not allow this to the access key";
    error_set(error, ERROR_FORBIDDEN, "the object store %s (%s)", what,
              code[0] == '\0' ? "HTTP status 403" : code);
    if (transfer->region[0] != '\0' && is_about_key(code)) {
        error_cause(error, "the bucket's region is %s", transfer->region);
    }
    return S3_FAILED;
}

static S3Outcome
of_refusal(const S3Transfer *transfer, const S3Bucket *bucket, const char *code, Error *error)
{
    static const char *const PASSING[] = {"SlowDown",        "RequestTimeout",
                                          "InternalError",   "ServiceUnavailable",
                                          "BadDigest",       "XAmzContentChecksumMismatch",
                                          "OperationAborted"};
    long status = transfer->status;
    bool may_pass = (status >= 500 && status != 501) || status == 429 || status == 408 ||
                    is_one_of(code, PASSING, ARRAY_COUNT(PASSING));
    if (may_pass) {
        error_set(error, ERROR_UNAVAILABLE, "the object store fails: HTTP status %ld%s%s", status,
                  code[0] == '\0' ? "" : ", ", code);
        return S3_MAY_PASS;
    }
    if (status == 401 || status == 403 || is_about_key(code)) {
        return refused_key(transfer, code, error);
    }
    if (strcmp(code, "NoSuchBucket") == 0) {
        error_set(error, ERROR_INTERNAL, "the object store has no bucket '%s'", bucket->name);
    } else if (status == 404 && is_about_object(code)) {
        error_set(error, ERROR_NOT_FOUND, "there is no such object");
    } else if (status >= 300 && status < 400) {
        error_set(error, ERROR_INTERNAL,
                  "the object store says that the bucket is elsewhere (SLIDEWAY_S3_ENDPOINT, "
                  "SLIDEWAY_S3_REGION%s%s)",
                  transfer->region[0] == '\0' ? "" : ": ", transfer->region);
    } else {
        error_set(error, ERROR_INTERNAL,
                  "the object store refuses the request: HTTP status %ld%s%s", status,
                  code[0] == '\0' ? "" : ", ", code);
    }
    return S3_FAILED;
}

S3Outcome s3_transfer_outcome(S3Transfer *transfer, const S3Bucket *bucket, Error *error)
{
    error_clear(error);
    if (transfer->own.code != ERROR_NONE) {
        *error = transfer->own;
        return S3_FAILED;
    }
    if (transfer->too_large) {
        error_set(error, ERROR_LIMIT, "The file is larger than the allowed %lld bytes",
                  (long long)transfer->call->target->bytes_max);
        return S3_FAILED;
    }
    if (transfer->answer_too_long) {
        error_set(error, ERROR_INTERNAL, "the object store's answer is too long");
        return S3_FAILED;
    }
    char code[S3_TEXT_BYTES];
    bool is_good = transfer->status >= 200 && transfer->status <= 299;
    /* A refusal counts also when the connection broke while the rest of a body was sent. */
    if (!is_good && transfer->status != 0 && transfer->code != CURLE_ABORTED_BY_CALLBACK) {
        find_code(buffer_view(&transfer->refusal), code);
        return of_refusal(transfer, bucket, code, error);
    }
    if (transfer->code != CURLE_OK) {
        return of_curl(transfer, error);
    }
    if (strcmp(transfer->call->method, "POST") == 0) {
        /* The end of a multipart upload may fail when its status 200 has been sent. */
        find_code(buffer_view(&transfer->answer->body), code);
        return code[0] == '\0' ? S3_DONE : of_refusal(transfer, bucket, code, error);
    }
    return S3_DONE;
}
