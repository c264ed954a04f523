/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers over signed URLs; see transfer.h. */
#include "cli/transfer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"

/* A transfer may last as long as it moves: at least a byte a second for a minute. */
enum { CONNECT_SECONDS = 10, STALLED_SECONDS = 60 };

static inline void cleanup_file(FILE **file)
{
    if (*file != NULL) {
        fclose(*file);
    }
}
#define AUTO_FILE CLEANUP(cleanup_file) FILE

void transfer_go_direct(CURL *curl, const char *url)
{
    static const char *const OWN[] = {"://127.", "://localhost:", "://localhost/", "://[::1]"};
    for (size_t i = 0; i < ARRAY_COUNT(OWN); i++) {
        if (strstr(url, OWN[i]) == strstr(url, "://") && strstr(url, OWN[i]) != NULL) {
            curl_easy_setopt(curl, CURLOPT_PROXY, "");
        }
    }
}

static CURL *prepare(const char *url)
{
    CURL *curl = curl_easy_init();
    if (curl != NULL) {
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALLED_SECONDS);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        transfer_go_direct(curl, url);
    }
    return curl;
}

/* False unless the transfer was made and answered with a success. */
static bool check_result(CURL *curl, CURLcode result, const char *url, Error *error)
{
    int shown = (int)strcspn(url, "?");
    if (result != CURLE_OK) {
        return error_set(error, ERROR_UNAVAILABLE, "%.*s: %s", shown, url,
                         curl_easy_strerror(result));
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status <= 299) {
        return true;
    }
    ErrorCode code = status == 403   ? ERROR_FORBIDDEN
                     : status == 404 ? ERROR_NOT_FOUND
                     : status >= 500 ? ERROR_UNAVAILABLE
                                     : ERROR_INVALID;
    return error_set(error, code, "%.*s answered %ld", shown, url, status);
}

static int
tell_upload(void *context, curl_off_t down_total, curl_off_t down, curl_off_t total, curl_off_t now)
{
    const TransferWatch *watch = context;
    (void)down_total;
    (void)down;
    watch->progress(watch->context, now, total);
    return 0;
}

static size_t ignore_body(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static size_t read_file(char *bytes, size_t size, size_t count, void *context)
{
    FILE *file = context;
    size_t got = fread(bytes, 1, size * count, file);
    return got == 0 && ferror(file) ? CURL_READFUNC_ABORT : got;
}

bool transfer_upload(const char *path, const char *url, const TransferWatch *watch, Error *error)
{
    struct stat status;
    AUTO_FILE *file = fopen(path, "rbe");
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        return error_set(error, ERROR_INVALID, "cannot read '%s': %m", path);
    }
    AUTO_CURL *curl = prepare(url);
    if (curl == NULL) {
        return error_set(error, ERROR_INTERNAL, "libcurl does not start");
    }
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_file);
    curl_easy_setopt(curl, CURLOPT_READDATA, file);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)status.st_size);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body);
    if (watch != NULL) {
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, tell_upload);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, watch);
    }
    CURLcode result = curl_easy_perform(curl);
    if (result == CURLE_ABORTED_BY_CALLBACK) {
        return error_set(error, ERROR_INVALID, "cannot read '%s' to its end", path);
    }
    return check_result(curl, result, url, error);
}

typedef struct Sink {
    int fd;
    uint32_t crc;
    int64_t size_bytes;
    bool failed;
    Error error;
} Sink;

static size_t keep_bytes(char *bytes, size_t size, size_t count, void *context)
{
    Sink *sink = context;
    size_t length = size * count;
    if (!fd_write_all(sink->fd, bytes, length, &sink->error)) {
        sink->failed = true;
        return 0;
    }
    sink->crc = crc32c_update(sink->crc, bytes, length);
    sink->size_bytes += (int64_t)length;
    return length;
}

bool transfer_download(const char *url, int fd, Received *received_out, Error *error)
{
    Sink sink = {.fd = fd, .crc = CRC32C_EMPTY};
    if (lseek(fd, 0, SEEK_SET) != 0 || ftruncate(fd, 0) != 0) {
        return error_set(error, ERROR_LIMIT, "cannot write: %m");
    }
    AUTO_CURL *curl = prepare(url);
    if (curl == NULL) {
        return error_set(error, ERROR_INTERNAL, "libcurl does not start");
    }
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 0L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
    CURLcode result = curl_easy_perform(curl);
    if (sink.failed) {
        return error_set(error, ERROR_LIMIT, "%s", sink.error.message);
    }
    if (!check_result(curl, result, url, error)) {
        return false;
    }
    received_out->size_bytes = sink.size_bytes;
    crc32c_to_base64(sink.crc, received_out->checksum);
    return true;
}
