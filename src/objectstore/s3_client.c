/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its repetitions; see s3_client.h. */
#include "objectstore/s3_client.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/percent.h"
#include "objectstore/checksum.h"
#include "objectstore/s3_transfer.h"

enum {
    TRIES_MAX = 6,
    FIRST_WAIT_US = 200 * 1000, /* doubled with each try: 6 s in all */
    IDLE_HANDLES_MAX = 32,      /* connections that are kept */
    HEADERS_MAX = SIGV4_FIELDS_MAX,
    OWN_HEADERS = 3
};

struct S3Client {
    S3Bucket *bucket;
    const Clock *clock;
    struct {
        pthread_mutex_t mutex;
        CURL *idle[IDLE_HANDLES_MAX];
        size_t idle_count;
    } locked;
};

S3Client *s3_client_create(S3Bucket *bucket, const Clock *clock)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    S3Client *client = ALLOC_NEW(S3Client);
    client->bucket = bucket;
    client->clock = clock;
    pthread_mutex_init(&client->locked.mutex, NULL);
    return client;
}

void s3_client_destroy(S3Client *client)
{
    if (client != NULL) {
        for (size_t i = 0; i < client->locked.idle_count; i++) {
            curl_easy_cleanup(client->locked.idle[i]);
        }
        pthread_mutex_destroy(&client->locked.mutex);
        s3_bucket_close(client->bucket);
        alloc_free(client);
        curl_global_cleanup();
    }
}

const S3Bucket *s3_client_bucket(const S3Client *client)
{
    return client->bucket;
}

static CURL *take_handle(S3Client *client)
{
    CURL *curl = NULL;
    pthread_mutex_lock(&client->locked.mutex);
    if (client->locked.idle_count > 0) {
        curl = client->locked.idle[--client->locked.idle_count];
    }
    pthread_mutex_unlock(&client->locked.mutex);
    if (curl == NULL) {
        curl = curl_easy_init();
    }
    if (curl == NULL) {
        abort();
    }
    curl_easy_reset(curl);
    return curl;
}

static void give_handle(S3Client *client, CURL *curl)
{
    pthread_mutex_lock(&client->locked.mutex);
    bool kept = client->locked.idle_count < IDLE_HANDLES_MAX;
    if (kept) {
        client->locked.idle[client->locked.idle_count++] = curl;
    }
    pthread_mutex_unlock(&client->locked.mutex);
    if (!kept) {
        curl_easy_cleanup(curl);
    }
}

void s3_answer_init(S3Answer *answer)
{
    *answer = (S3Answer){.size_bytes = -1};
    buffer_init(&answer->body, S3_ANSWER_BYTES_MAX);
}

void s3_answer_clear(S3Answer *answer)
{
    buffer_clear(&answer->body);
}

bool s3_answer_walk(const S3Answer *answer, XmlVisit visit, void *context, Error *error)
{
    if (xml_walk(buffer_view(&answer->body), visit, context, error)) {
        return true;
    }
    error->code = ERROR_INTERNAL;
    return error_context(error, "the object store's answer");
}

/* The headers of one try: the caller's, those that are signed always, and the signature. */
typedef struct Signed {
    SigV4Field fields[HEADERS_MAX];
    size_t count;
    char time[SIGV4_TIME_BYTES];
    char hash[SIGV4_SIGNATURE_BYTES];
    char *path;
    Buffer authorization;
    Buffer url;
} Signed;

static void signed_clear(Signed *made)
{
    buffer_clear(&made->authorization);
    buffer_clear(&made->url);
    alloc_free(made->path);
}

static void sign_call(const S3Client *client, const S3Call *call, Signed *made)
{
    const S3Bucket *bucket = client->bucket;
    *made = (Signed){.count = 0};
    buffer_init(&made->authorization, SIGV4_TEXT_BYTES_MAX);
    buffer_init(&made->url, SIGV4_TEXT_BYTES_MAX);
    made->path = s3_path(bucket, &bucket->address, call->object_key);
    int64_t now_seconds =
        clock_now_us(client->clock) / MICROSECONDS_PER_SECOND + atomic_load(&bucket->skew_seconds);
    sigv4_time(now_seconds, made->time);
    /* A file's bytes are covered by their checksum, which is a header and signed as such. */
    if (call->file == NULL) {
        sigv4_hash(call->body.bytes, call->body.length, made->hash);
    } else {
        snprintf(made->hash, sizeof made->hash, "%s", SIGV4_UNSIGNED_PAYLOAD);
    }
    made->fields[made->count++] = (SigV4Field){"host", bucket->address.host};
    made->fields[made->count++] = (SigV4Field){"x-amz-date", made->time};
    made->fields[made->count++] = (SigV4Field){"x-amz-content-sha256", made->hash};
    assert(call->header_count <= HEADERS_MAX - OWN_HEADERS);
    for (size_t i = 0; i < call->header_count; i++) {
        made->fields[made->count++] = call->headers[i];
    }
    const SigV4Request request = {.method = call->method,
                                  .path = made->path,
                                  .query = call->query,
                                  .query_count = call->query_count,
                                  .headers = made->fields,
                                  .header_count = made->count,
                                  .payload_hash = made->hash,
                                  .at_seconds = now_seconds};
    sigv4_authorize(&bucket->key, &request, &made->authorization);
    buffer_string(&made->url, bucket->address.origin);
    percent_encode_path(&made->url, text_of(made->path));
    buffer_string(&made->url, call->query_count > 0 ? "?" : "");
    sigv4_query(call->query, call->query_count, &made->url);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    AUTO_FREE char *line = alloc_format("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(list, line);
    if (longer == NULL) {
        abort();
    }
    return longer;
}

/* curl itself sends "host". */
static struct curl_slist *list_headers(Signed *made)
{
    struct curl_slist *list = NULL;
    for (size_t i = 1; i < made->count; i++) {
        list = add_header(list, made->fields[i].name, made->fields[i].value);
    }
    list = add_header(list, "Authorization", buffer_to_string(&made->authorization));
    /* What curl would add by itself and S3 has no use for. */
    struct curl_slist *longer = curl_slist_append(list, "Expect:");
    return longer == NULL ? list : longer;
}

/* Learns how far the store's clock is from ours; true: it is worth another try. A clock that was
 * never set is some decades behind; a time of years with five digits could not be signed. */
static bool learn_skew(S3Client *client, const S3Transfer *transfer)
{
    enum { TOLERATED_SECONDS = 300 };
    const int64_t furthest_seconds = 100LL * 365 * 86400;
    if (transfer->status != 403 || transfer->date_seconds <= 0) {
        return false;
    }
    int64_t skew = transfer->date_seconds - clock_now_us(client->clock) / MICROSECONDS_PER_SECOND;
    if (skew > furthest_seconds || skew < -furthest_seconds) {
        return false;
    }
    int64_t change = skew - atomic_load(&client->bucket->skew_seconds);
    if (change < TOLERATED_SECONDS && change > -TOLERATED_SECONDS) {
        return false;
    }
    atomic_store(&client->bucket->skew_seconds, skew);
    return true;
}

static void try_once(S3Client *client, S3Transfer *transfer)
{
    CLEANUP(signed_clear) Signed made;
    sign_call(client, transfer->call, &made);
    CURL *curl = take_handle(client);
    struct curl_slist *headers = list_headers(&made);
    if (transfer->answer->received_bytes > 0) {
        AUTO_FREE char *range =
            alloc_format("bytes=%" PRId64 "-", transfer->answer->received_bytes);
        headers = add_header(headers, "Range", range);
        if (transfer->answer->etag[0] != '\0') {
            headers = add_header(headers, "If-Match", transfer->answer->etag);
        }
    }
    curl_easy_setopt(curl, CURLOPT_URL, buffer_to_string(&made.url));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (client->bucket->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->bucket->ca_file);
    }
    if (client->bucket->certificate_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, client->bucket->certificate_file);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, client->bucket->key_file);
    }
    s3_transfer_perform(transfer, curl);
    curl_slist_free_all(headers);
    give_handle(client, curl);
}

/* Half of the wait is by chance, so that many who failed together do not come back together. */
static void wait_before_retry(const S3Client *client, const S3Call *call, int attempt)
{
    enum { STEP_US = 50 * 1000 };
    uint32_t chance = 0;
    clock_random_bytes(client->clock, &chance, sizeof chance);
    int64_t longest_us = (int64_t)FIRST_WAIT_US << attempt;
    int64_t wait_us = longest_us / 2 + chance % (longest_us / 2);
    for (int64_t waited = 0; waited < wait_us; waited += STEP_US) {
        if (call->abort != NULL && atomic_load(call->abort)) {
            return;
        }
        clock_sleep_us(client->clock, STEP_US);
    }
}

bool s3_call(S3Client *client, const S3Call *call, S3Answer *answer, Error *error)
{
    bool learned = false;
    for (int attempt = 0;; attempt++) {
        S3Transfer transfer;
        s3_transfer_init(&transfer, call, answer);
        try_once(client, &transfer);
        S3Outcome outcome = s3_transfer_outcome(&transfer, client->bucket, error);
        bool skewed = outcome != S3_DONE && !learned && learn_skew(client, &transfer);
        s3_transfer_clear(&transfer);
        if (outcome == S3_DONE) {
            *error = (Error){0};
            return true;
        }
        if ((outcome == S3_FAILED && !skewed) || attempt + 1 == TRIES_MAX) {
            return false;
        }
        learned = learned || skewed;
        if (!skewed) {
            wait_before_retry(client, call, attempt);
        }
    }
}
