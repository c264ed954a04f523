/* SPDX-License-Identifier: Apache-2.0 */
/* A document by libcurl; see fetch.h. */
#include "auth/fetch.h"

#include <curl/curl.h>

enum { CONNECT_SECONDS = 5, FETCH_SECONDS = 10, STATUS_OK = 200 };

static void cleanup_curl(CURL **curl)
{
    curl_easy_cleanup(*curl);
}

void fetch_global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

size_t fetch_keep_body(char *bytes, size_t size, size_t count, void *body)
{
    Buffer *kept = body;
    buffer_append(kept, bytes, size * count);
    return kept->overflow ? 0 : size * count;
}

static int check_abort(
    void *context, curl_off_t total, curl_off_t now, curl_off_t upload_total, curl_off_t upload_now)
{
    const atomic_bool *abort = context;
    (void)total;
    (void)now;
    (void)upload_total;
    (void)upload_now;
    return abort != NULL && atomic_load(abort) ? 1 : 0;
}

static void set_options(CURL *curl, const char *url, const atomic_bool *abort, Buffer *body)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)FETCH_SECONDS);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "slideway");
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, NULL);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetch_keep_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_abort);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)abort);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static void set_files(CURL *curl, const TlsFiles *files)
{
    if (string_is_given(files->authorities)) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, files->authorities);
    }
    if (string_is_given(files->certificate)) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, files->certificate);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, files->key);
    }
}

bool fetch_document(
    const void *tls, const char *url, const atomic_bool *abort, Buffer *body_out, Error *error)
{
    CLEANUP(cleanup_curl) CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return error_set(error, ERROR_INTERNAL, "libcurl does not start");
    }
    buffer_reset(body_out);
    set_options(curl, url, abort, body_out);
    set_files(curl, tls);
    CURLcode code = curl_easy_perform(curl);
    if (body_out->overflow) {
        return error_set(error, ERROR_LIMIT, "%s has more than %zu bytes", url, body_out->maximum);
    }
    if (code != CURLE_OK) {
        return error_set(error, ERROR_UNAVAILABLE, "%s: %s", url, curl_easy_strerror(code));
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status == STATUS_OK ||
           error_set(error, ERROR_UNAVAILABLE, "%s answers with HTTP status %ld", url, status);
}
