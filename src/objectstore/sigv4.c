/* SPDX-License-Identifier: Apache-2.0 */
/* Signature Version 4; see sigv4.h. */
#include "objectstore/sigv4.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/percent.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"

enum { MAC_BYTES = SIGV4_HASH_BYTES, DATE_LENGTH = 8, SECRET_BYTES = 256, NUMBER_BYTES = 24 };

/* The SHA-256 of nothing, which stands in the text of a chunk for headers that it does not have. */
#define HASH_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct Mac {
    unsigned char bytes[MAC_BYTES];
} Mac;

static Mac mac_of(const void *key, size_t key_length, Text message)
{
    Mac mac;
    unsigned length = 0;
    if (HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)message.bytes,
             message.length, mac.bytes, &length) == NULL ||
        length != MAC_BYTES) {
        abort();
    }
    return mac;
}

static void to_hexadecimal(const unsigned char bytes[MAC_BYTES], char out[SIGV4_SIGNATURE_BYTES])
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < MAC_BYTES; i++) {
        out[2 * i] = DIGITS[bytes[i] >> 4];
        out[2 * i + 1] = DIGITS[bytes[i] & 0xF];
    }
    out[2 * MAC_BYTES] = '\0';
}

void sigv4_hash(const void *bytes, size_t length, char out[SIGV4_SIGNATURE_BYTES])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (EVP_Digest(bytes, length, hash, NULL, EVP_sha256(), NULL) != 1) {
        abort();
    }
    to_hexadecimal(hash, out);
}

void sigv4_time(int64_t at_seconds, char out[SIGV4_TIME_BYTES])
{
    time_t at = (time_t)at_seconds;
    struct tm parts;
    if (gmtime_r(&at, &parts) == NULL ||
        strftime(out, SIGV4_TIME_BYTES, "%Y%m%dT%H%M%SZ", &parts) != SIGV4_TIME_BYTES - 1) {
        abort(); /* a year of five digits */
    }
}

bool sigv4_parse_time(const char *text, int64_t *at_seconds_out)
{
    struct tm parts = {0};
    char again[SIGV4_TIME_BYTES];
    if (text == NULL || strlen(text) != SIGV4_TIME_BYTES - 1 ||
        strptime(text, "%Y%m%dT%H%M%SZ", &parts) == NULL) {
        return false;
    }
    /* A second of 60 is read as the next minute, which may be in a year of five digits. */
    int64_t at = timegm(&parts);
    if (at < 0 || at > YEAR_9999_LAST_SECOND) {
        return false;
    }
    sigv4_time(at, again);
    *at_seconds_out = at;
    return strcmp(text, again) == 0;
}

/* Where a byte of an encoded text stands in order: what is encoded begins with '%', which is less
 * than every byte that stands for itself, and its digits keep the order of the bytes. */
static int encoded_rank(char c)
{
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '.' || c == '_' || c == '~';
    return (plain ? 256 : 0) + (unsigned char)c;
}

static int compare_encoded(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    if (*a == '\0' || *b == '\0') {
        return *a == *b ? 0 : *a == '\0' ? -1 : 1;
    }
    return encoded_rank(*a) - encoded_rank(*b);
}

static int compare_query(const SigV4Field *a, const SigV4Field *b)
{
    int order = compare_encoded(a->name, b->name);
    return order != 0 ? order : compare_encoded(a->value, b->value);
}

/* Values of one header stay in the order in which they are sent. */
static int compare_headers(const SigV4Field *a, const SigV4Field *b)
{
    return strcmp(a->name, b->name);
}

typedef struct SortedFields {
    SigV4Field fields[SIGV4_FIELDS_MAX];
    size_t count;
} SortedFields;

/* By insertion: there are few, and equal ones keep their order. */
static void sort_fields(const SigV4Field *fields,
                        size_t count,
                        int (*compare)(const SigV4Field *a, const SigV4Field *b),
                        SortedFields *sorted)
{
    assert(count <= SIGV4_FIELDS_MAX);
    sorted->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        while (place > 0 && compare(&sorted->fields[place - 1], &fields[i]) > 0) {
            sorted->fields[place] = sorted->fields[place - 1];
            place--;
        }
        sorted->fields[place] = fields[i];
    }
}

void sigv4_query(const SigV4Field *query, size_t count, Buffer *out)
{
    SortedFields sorted;
    sort_fields(query, count, compare_query, &sorted);
    for (size_t i = 0; i < sorted.count; i++) {
        buffer_string(out, i == 0 ? "" : "&");
        percent_encode(out, text_of(sorted.fields[i].name));
        buffer_byte(out, '=');
        percent_encode(out, text_of(sorted.fields[i].value));
    }
}

/* No spaces at the ends, and one where there were several. */
static void write_header_value(const char *value, Buffer *out)
{
    Text trimmed = text_trim(text_of(value));
    for (size_t i = 0; i < trimmed.length; i++) {
        if (trimmed.bytes[i] != ' ' || trimmed.bytes[i - 1] != ' ') {
            buffer_byte(out, trimmed.bytes[i]);
        }
    }
}

static bool repeats(const SortedFields *headers, size_t index)
{
    return index > 0 && strcmp(headers->fields[index - 1].name, headers->fields[index].name) == 0;
}

static void write_headers(const SortedFields *headers, Buffer *out)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (repeats(headers, i)) {
            buffer_byte(out, ',');
        } else {
            buffer_format(out, "%s%s:", i == 0 ? "" : "\n", headers->fields[i].name);
        }
        write_header_value(headers->fields[i].value, out);
    }
    buffer_string(out, "\n");
}

static void write_header_names(const SortedFields *headers, Buffer *out)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (!repeats(headers, i)) {
            buffer_format(out, "%s%s", i == 0 ? "" : ";", headers->fields[i].name);
        }
    }
}

void sigv4_canonical(const SigV4Request *request, Buffer *out)
{
    SortedFields headers;
    sort_fields(request->headers, request->header_count, compare_headers, &headers);
    buffer_format(out, "%s\n", request->method);
    percent_encode_path(out, text_of(request->path));
    buffer_byte(out, '\n');
    sigv4_query(request->query, request->query_count, out);
    buffer_byte(out, '\n');
    write_headers(&headers, out);
    buffer_byte(out, '\n');
    write_header_names(&headers, out);
    buffer_format(out, "\n%s", request->payload_hash);
}

/* "20130524/us-east-1/s3/aws4_request" */
static void
format_scope(const SigV4Key *key, const char time[SIGV4_TIME_BYTES], char out[SIGV4_SCOPE_BYTES])
{
    int length = snprintf(out, SIGV4_SCOPE_BYTES, "%.*s/%s/%s/" SCOPE_END, DATE_LENGTH, time,
                          key->region, key->service);
    assert(length > 0 && length < SIGV4_SCOPE_BYTES);
}

static Mac signing_key(const SigV4Key *key, const char time[SIGV4_TIME_BYTES])
{
    char secret[SECRET_BYTES];
    int length = snprintf(secret, sizeof secret, "AWS4%s", key->secret_access_key);
    assert(length > 0 && length < SECRET_BYTES);
    Mac mac = mac_of(secret, (size_t)length, (Text){time, DATE_LENGTH});
    mac = mac_of(mac.bytes, MAC_BYTES, text_of(key->region));
    mac = mac_of(mac.bytes, MAC_BYTES, text_of(key->service));
    return mac_of(mac.bytes, MAC_BYTES, TEXT(SCOPE_END));
}

void sigv4_sign(const SigV4Key *key, const SigV4Request *request, char out[SIGV4_SIGNATURE_BYTES])
{
    AUTO_BUFFER canonical;
    buffer_init(&canonical, SIGV4_TEXT_BYTES_MAX);
    sigv4_canonical(request, &canonical);
    assert(!canonical.overflow);
    char hash[SIGV4_SIGNATURE_BYTES];
    char time[SIGV4_TIME_BYTES];
    char scope[SIGV4_SCOPE_BYTES];
    sigv4_hash(canonical.bytes, canonical.length, hash);
    sigv4_time(request->at_seconds, time);
    format_scope(key, time, scope);
    AUTO_BUFFER text;
    buffer_init(&text, SIGV4_TEXT_BYTES_MAX);
    buffer_format(&text, ALGORITHM "\n%s\n%s\n%s", time, scope, hash);
    Mac mac = signing_key(key, time);
    mac = mac_of(mac.bytes, MAC_BYTES, buffer_view(&text));
    to_hexadecimal(mac.bytes, out);
}

void sigv4_authorize(const SigV4Key *key, const SigV4Request *request, Buffer *out)
{
    SortedFields headers;
    sort_fields(request->headers, request->header_count, compare_headers, &headers);
    char time[SIGV4_TIME_BYTES];
    char scope[SIGV4_SCOPE_BYTES];
    char signature[SIGV4_SIGNATURE_BYTES];
    sigv4_time(request->at_seconds, time);
    format_scope(key, time, scope);
    sigv4_sign(key, request, signature);
    buffer_format(out, ALGORITHM " Credential=%s/%s,SignedHeaders=", key->access_key_id, scope);
    write_header_names(&headers, out);
    buffer_format(out, ",Signature=%s", signature);
}

void sigv4_presign(const SigV4Key *key,
                   const SigV4Request *request,
                   int64_t expires_seconds,
                   Buffer *query_out)
{
    assert(expires_seconds > 0 && expires_seconds <= SIGV4_EXPIRES_SECONDS_MAX);
    SortedFields headers;
    sort_fields(request->headers, request->header_count, compare_headers, &headers);
    AUTO_BUFFER names;
    AUTO_BUFFER credential;
    buffer_init(&names, SIGV4_TEXT_BYTES_MAX);
    buffer_init(&credential, SIGV4_TEXT_BYTES_MAX);
    char time[SIGV4_TIME_BYTES];
    char scope[SIGV4_SCOPE_BYTES];
    char seconds[NUMBER_BYTES];
    sigv4_time(request->at_seconds, time);
    format_scope(key, time, scope);
    write_header_names(&headers, &names);
    buffer_format(&credential, "%s/%s", key->access_key_id, scope);
    snprintf(seconds, sizeof seconds, "%" PRId64, expires_seconds);
    SigV4Field query[SIGV4_FIELDS_MAX] = {
        {"X-Amz-Algorithm", ALGORITHM},
        {"X-Amz-Credential", buffer_to_string(&credential)},
        {"X-Amz-Date", time},
        {"X-Amz-Expires", seconds},
        {"X-Amz-SignedHeaders", buffer_to_string(&names)},
    };
    enum { OWN_COUNT = 5 };
    assert(request->query_count <= SIGV4_FIELDS_MAX - OWN_COUNT);
    for (size_t i = 0; i < request->query_count; i++) {
        query[OWN_COUNT + i] = request->query[i];
    }
    SigV4Request presigned = *request;
    presigned.query = query;
    presigned.query_count = OWN_COUNT + request->query_count;
    char signature[SIGV4_SIGNATURE_BYTES];
    sigv4_sign(key, &presigned, signature);
    sigv4_query(presigned.query, presigned.query_count, query_out);
    buffer_format(query_out, "&X-Amz-Signature=%s", signature);
}

void sigv4_chain_begin(const SigV4Key *key,
                       int64_t at_seconds,
                       const char request_signature[SIGV4_SIGNATURE_BYTES],
                       SigV4Chain *chain_out)
{
    sigv4_time(at_seconds, chain_out->time);
    format_scope(key, chain_out->time, chain_out->scope);
    Mac mac = signing_key(key, chain_out->time);
    memcpy(chain_out->key, mac.bytes, sizeof chain_out->key);
    memcpy(chain_out->previous, request_signature, sizeof chain_out->previous);
}

/* `kind` is "PAYLOAD" or "TRAILER", `hashes` what is signed of it. */
static void sign_next(SigV4Chain *chain, const char *kind, const char *hashes, char *out)
{
    AUTO_BUFFER text;
    buffer_init(&text, SIGV4_TEXT_BYTES_MAX);
    buffer_format(&text, ALGORITHM "-%s\n%s\n%s\n%s\n%s", kind, chain->time, chain->scope,
                  chain->previous, hashes);
    Mac mac = mac_of(chain->key, sizeof chain->key, buffer_view(&text));
    to_hexadecimal(mac.bytes, out);
    memcpy(chain->previous, out, sizeof chain->previous);
}

void sigv4_chain_chunk(SigV4Chain *chain,
                       const unsigned char hash[SIGV4_HASH_BYTES],
                       char out[SIGV4_SIGNATURE_BYTES])
{
    char hashes[sizeof HASH_OF_NOTHING + SIGV4_SIGNATURE_BYTES] = HASH_OF_NOTHING "\n";
    to_hexadecimal(hash, hashes + sizeof HASH_OF_NOTHING);
    sign_next(chain, "PAYLOAD", hashes, out);
}

void sigv4_chain_trailer(SigV4Chain *chain, Text trailers, char out[SIGV4_SIGNATURE_BYTES])
{
    char hash[SIGV4_SIGNATURE_BYTES];
    sigv4_hash(trailers.bytes, trailers.length, hash);
    sign_next(chain, "TRAILER", hash, out);
}
