/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads by libcurl; see client.h. */
#include "http/client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "objectstore/checksum.h"

enum {
    TRIES_MAX = 4,
    FIRST_WAIT_US = 500 * 1000, /* doubled with each try */
    REDIRECTS_MAX = 5,
    CONNECT_SECONDS = 15,
    LOW_SPEED_BYTES = 1024, /* a transfer slower than this … */
    LOW_SPEED_SECONDS = 60, /* … for so long counts as broken */
    HOST_BYTES = 256
};

typedef struct Transfer {
    const DownloadOptions *options;
    CURL *curl;
    int fd;
    int64_t received; /* bytes in the file, over all tries */
    uint32_t crc32c;
    bool address_refused;
    bool too_large;
    bool write_failed;
    bool host_unknown; /* of the last try */
    Error write_error;
    char host[HOST_BYTES];
} Transfer;

static void cleanup_curl(CURL **curl)
{
    curl_easy_cleanup(*curl);
}

void download_global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Called with the very address that is about to be connected to: after DNS, at each redirect. */
static curl_socket_t
open_checked_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    Transfer *transfer = context;
    (void)purpose;
    if (!egress_allows(transfer->options->egress, &address->addr)) {
        transfer->address_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
    Transfer *transfer = context;
    size_t length = size * count;
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206) {
        return length; /* the body of an error is of no use */
    }
    if ((int64_t)length > transfer->options->bytes_max - transfer->received) {
        transfer->too_large = true;
        return 0;
    }
    if (!fd_write_all(transfer->fd, bytes, length, &transfer->write_error)) {
        transfer->write_failed = true;
        return 0;
    }
    transfer->crc32c = crc32c_update(transfer->crc32c, bytes, length);
    transfer->received += (int64_t)length;
    return length;
}

static int check_abort(
    void *context, curl_off_t total, curl_off_t now, curl_off_t upload_total, curl_off_t upload_now)
{
    const Transfer *transfer = context;
    (void)total;
    (void)now;
    (void)upload_total;
    (void)upload_now;
    return transfer->options->abort != NULL && atomic_load(transfer->options->abort) ? 1 : 0;
}

static void set_options(Transfer *transfer, int64_t seconds_left)
{
    CURL *curl = transfer->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, transfer->options->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* a proxy would connect past the egress rule */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)LOW_SPEED_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)seconds_left);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "slideway");
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_checked_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_abort);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)transfer->received);
}

static void read_host(Transfer *transfer)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    bool parsed = curl_url_set(parts, CURLUPART_URL, transfer->options->url, 0) == CURLUE_OK &&
                  curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    snprintf(transfer->host, sizeof transfer->host, "%s", parsed ? host : "an unreadable host");
    curl_free(host);
    curl_url_cleanup(parts);
}

static DownloadResult of_status(const Transfer *transfer, long status, Error *error)
{
    if (status == 200 || status == 206) {
        return DOWNLOAD_DONE;
    }
    bool may_pass = status >= 500 || status == 408 || status == 425 || status == 429;
    const char *hint = status == 401 || status == 403
                           ? " (access denied; the signed URL may have expired)"
                           : (status == 404 || status == 410 ? " (there is no such file)" : "");
    error_set(error, may_pass ? ERROR_UNAVAILABLE : ERROR_INVALID,
              "The download URL at %s answered with HTTP status %ld%s", transfer->host, status,
              hint);
    return may_pass ? DOWNLOAD_PLATFORM_FAULT : DOWNLOAD_USER_FAULT;
}

/* What the transfer itself found wrong, before curl's own code counts. */
static bool of_own_checks(const Transfer *transfer, DownloadResult *result_out, Error *error)
{
    *result_out = DOWNLOAD_USER_FAULT;
    if (transfer->address_refused) {
        error_set(error, ERROR_FORBIDDEN,
                  "The download URL leads to an address that is not public, at %s", transfer->host);
        return true;
    }
    if (transfer->too_large) {
        error_set(error, ERROR_LIMIT, "The file is larger than the allowed %lld bytes",
                  (long long)transfer->options->bytes_max);
        return true;
    }
    if (transfer->write_failed) {
        *error = transfer->write_error;
        *result_out = DOWNLOAD_PLATFORM_FAULT;
        return true;
    }
    return false;
}

static DownloadResult of_curl(const Transfer *transfer, CURLcode code, Error *error)
{
    switch ((int)code) {
    case CURLE_ABORTED_BY_CALLBACK:
        error_set(error, ERROR_CONFLICT, "The download was stopped");
        return DOWNLOAD_ABORTED;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
        error_set(error, ERROR_INVALID, "The download URL cannot be used (%s), at %s",
                  curl_easy_strerror(code), transfer->host);
        return DOWNLOAD_USER_FAULT;
    default:
        error_set(error, ERROR_UNAVAILABLE, "The download from %s failed: %s", transfer->host,
                  curl_easy_strerror(code));
        return DOWNLOAD_PLATFORM_FAULT;
    }
}

/* Starts the file again from its first byte. */
static void start_over(Transfer *transfer)
{
    transfer->received = 0;
    transfer->crc32c = CRC32C_EMPTY;
    if (ftruncate(transfer->fd, 0) != 0 || lseek(transfer->fd, 0, SEEK_SET) != 0) {
        transfer->write_failed =
            !error_set(&transfer->write_error, ERROR_INTERNAL, "cannot rewind the download: %m");
    }
}

static DownloadResult try_once(Transfer *transfer, int64_t seconds_left, Error *error)
{
    set_options(transfer, seconds_left);
    CURLcode code = curl_easy_perform(transfer->curl);
    transfer->host_unknown = code == CURLE_COULDNT_RESOLVE_HOST;
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    DownloadResult result = DOWNLOAD_DONE;
    if (of_own_checks(transfer, &result, error)) {
        return result;
    }
    if (code == CURLE_RANGE_ERROR || status == 416) {
        start_over(transfer); /* the host cannot resume */
        error_set(error, ERROR_UNAVAILABLE, "The download from %s broke and cannot be resumed",
                  transfer->host);
        return DOWNLOAD_PLATFORM_FAULT;
    }
    return code == CURLE_OK ? of_status(transfer, status, error) : of_curl(transfer, code, error);
}

/* Sleeps in short steps so that an abort is seen. */
static void wait_before_retry(const DownloadOptions *options, int64_t wait_us)
{
    enum { STEP_US = 100 * 1000 };
    for (int64_t waited = 0; waited < wait_us; waited += STEP_US) {
        if (options->abort != NULL && atomic_load(options->abort)) {
            return;
        }
        clock_sleep_us(options->clock, STEP_US);
    }
}

DownloadResult download_file(const DownloadOptions *options, DownloadFacts *facts_out, Error *error)
{
    AUTO_FD fd = open(options->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        error_set(error, ERROR_INTERNAL, "cannot create '%s': %m", options->path);
        return DOWNLOAD_PLATFORM_FAULT;
    }
    CLEANUP(cleanup_curl) CURL *curl = curl_easy_init();
    Transfer transfer = {.options = options, .curl = curl, .fd = fd, .crc32c = CRC32C_EMPTY};
    read_host(&transfer);
    int64_t started_us = clock_monotonic_us(options->clock);
    DownloadResult result = DOWNLOAD_PLATFORM_FAULT;
    for (int attempt = 0; attempt < TRIES_MAX; attempt++) {
        int64_t spent_us = clock_monotonic_us(options->clock) - started_us;
        int64_t seconds_left = options->seconds_max - spent_us / MICROSECONDS_PER_SECOND;
        if (seconds_left <= 0) {
            error_set(error, ERROR_UNAVAILABLE, "The download from %s took longer than %lld s",
                      transfer.host, (long long)options->seconds_max);
            return DOWNLOAD_PLATFORM_FAULT;
        }
        result = try_once(&transfer, seconds_left, error);
        if (result != DOWNLOAD_PLATFORM_FAULT || attempt + 1 == TRIES_MAX) {
            break;
        }
        wait_before_retry(options, (int64_t)FIRST_WAIT_US << attempt);
    }
    if (result == DOWNLOAD_PLATFORM_FAULT && transfer.host_unknown) {
        error_set(error, ERROR_INVALID, "The host %s of the download URL cannot be found",
                  transfer.host);
        return DOWNLOAD_USER_FAULT;
    }
    if (result == DOWNLOAD_DONE) {
        *facts_out = (DownloadFacts){transfer.received, transfer.crc32c};
    }
    return result;
}
