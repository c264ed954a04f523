/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying signatures; see s3_auth.h. */
#include "buckets/s3_auth.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SERVICE "s3"

enum {
    SKEW_SECONDS_MAX = 900,
    REGION_BYTES_MAX = 64,
    SIGNED_BYTES_MAX = 6000, /* what headers add to the text that is signed */
    HASH_BYTES_MAX = 64,     /* of the body's hash, or of the word that stands in its place */
    LINES_BYTES_MAX = 256,   /* of that text: the method, the body's hash, and ends of lines */
    SIGNATURE_LENGTH = SIGV4_SIGNATURE_BYTES - 1
};

static_assert(3 * S3_TARGET_BYTES_MAX + SIGNED_BYTES_MAX + LINES_BYTES_MAX <= SIGV4_TEXT_BYTES_MAX,
              "what is signed has room, however much of the target is encoded");

/* "AKIA…/20130524/us-east-1/s3/aws4_request", of the day of the signature. */
static bool
read_credential(const S3Request *request, Text credential, const char *time, S3Claim *claim)
{
    Text id = text_split(&credential, '/');
    Text date = text_split(&credential, '/');
    Text region = text_split(&credential, '/');
    Text service = text_split(&credential, '/');
    if (id.length == 0 || region.length == 0 || region.length > REGION_BYTES_MAX ||
        !text_is(service, SERVICE) || !text_is(credential, "aws4_request") || date.length != 8 ||
        strncmp(date.bytes, time, date.length) != 0) {
        return false;
    }
    claim->access_key_id = arena_string(request->arena, id);
    claim->region = arena_string(request->arena, region);
    return true;
}

static bool check_time(int64_t now_us, int64_t at_seconds, S3Fault *fault)
{
    int64_t now_seconds = now_us / MICROSECONDS_PER_SECOND;
    return (at_seconds <= now_seconds + SKEW_SECONDS_MAX &&
            at_seconds >= now_seconds - SKEW_SECONDS_MAX) ||
           s3_fault(fault, S3_REQUEST_TIME_TOO_SKEWED,
                    "The time of the request differs from the server's by more than 15 minutes.");
}

/* "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…" */
static bool read_header(
    const S3Request *request, Text authorization, int64_t now_us, S3Claim *claim, S3Fault *fault)
{
    if (!text_starts_with(authorization, ALGORITHM " ")) {
        return s3_fault(fault, S3_INVALID_REQUEST,
                        "The authorization is not supported: use " ALGORITHM ".");
    }
    const char *time = s3_header(request, "x-amz-date");
    Text credential = {0};
    Text rest = text_from(authorization, sizeof ALGORITHM);
    while (rest.bytes != NULL) {
        Text value = text_trim(text_split(&rest, ','));
        Text name = text_split(&value, '=');
        if (text_is(name, "Credential")) {
            credential = value;
        } else if (text_is(name, "SignedHeaders")) {
            claim->signed_headers = arena_string(request->arena, value);
        } else if (text_is(name, "Signature")) {
            claim->signature = arena_string(request->arena, value);
        }
    }
    claim->payload_hash = s3_header(request, "x-amz-content-sha256");
    if (!sigv4_parse_time(time, &claim->at_seconds) ||
        !read_credential(request, credential, time, claim) || claim->signed_headers == NULL ||
        claim->signature == NULL || claim->payload_hash == NULL) {
        return s3_fault(fault, S3_INVALID_ARGUMENT,
                        "Authorization, x-amz-date or x-amz-content-sha256 are not valid.");
    }
    return check_time(now_us, claim->at_seconds, fault);
}

static bool is_signed(const S3Claim *claim, const char *name)
{
    Text rest = text_of(claim->signed_headers);
    while (rest.bytes != NULL) {
        if (text_is(text_split(&rest, ';'), name)) {
            return true;
        }
    }
    return false;
}

static bool check_expiry(int64_t now_us, const S3Claim *claim, int64_t expires, S3Fault *fault)
{
    int64_t now_seconds = now_us / MICROSECONDS_PER_SECOND;
    if (now_seconds < claim->at_seconds - SKEW_SECONDS_MAX) {
        return s3_fault(fault, S3_ACCESS_DENIED, "Request is not valid yet");
    }
    return now_seconds < claim->at_seconds + expires ||
           s3_fault(fault, S3_ACCESS_DENIED, "Request has expired");
}

static bool read_query(const S3Request *request, int64_t now_us, S3Claim *claim, S3Fault *fault)
{
    const char *time = s3_parameter(request, "X-Amz-Date");
    const char *algorithm = s3_parameter(request, "X-Amz-Algorithm");
    const char *hash = s3_parameter(request, "X-Amz-Content-Sha256");
    int64_t expires = 0;
    claim->presigned = true;
    claim->signed_headers = s3_parameter(request, "X-Amz-SignedHeaders");
    claim->signature = s3_parameter(request, "X-Amz-Signature");
    claim->payload_hash = hash != NULL ? hash : SIGV4_UNSIGNED_PAYLOAD;
    if (algorithm == NULL || strcmp(algorithm, ALGORITHM) != 0 ||
        !sigv4_parse_time(time, &claim->at_seconds) ||
        !read_credential(request, text_of(s3_parameter(request, "X-Amz-Credential")), time,
                         claim) ||
        claim->signed_headers == NULL) {
        return s3_fault(fault, S3_QUERY_PARAMETERS_ERROR,
                        "X-Amz-Algorithm, X-Amz-Date, X-Amz-Credential or X-Amz-SignedHeaders "
                        "are not valid.");
    }
    if (!parse_int64(text_of(s3_parameter(request, "X-Amz-Expires")), 1, SIGV4_EXPIRES_SECONDS_MAX,
                     &expires)) {
        return s3_fault(fault, S3_QUERY_PARAMETERS_ERROR,
                        "X-Amz-Expires must be a number of seconds from 1 to %d.",
                        SIGV4_EXPIRES_SECONDS_MAX);
    }
    if (is_signed(claim, "x-amz-content-sha256")) {
        claim->payload_hash = s3_header(request, "x-amz-content-sha256");
    }
    if (claim->payload_hash == NULL) {
        return s3_fault(fault, S3_INVALID_REQUEST, "x-amz-content-sha256 was not sent.");
    }
    return check_expiry(now_us, claim, expires, fault);
}

/* What is not signed could be changed on its way. */
static bool check_signed_headers(const S3Request *request, const S3Claim *claim, S3Fault *fault)
{
    if (!is_signed(claim, "host")) {
        return s3_fault(fault, S3_ACCESS_DENIED, "The header host must be signed.");
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->headers[i].name;
        if (strncmp(name, "x-amz-", strlen("x-amz-")) == 0 && !is_signed(claim, name)) {
            return s3_fault(fault, S3_ACCESS_DENIED, "The header %.64s must be signed.", name);
        }
    }
    return true;
}

/* It is signed once more behind the headers, or the query, that it comes in. */
static bool check_payload_hash(const S3Claim *claim, S3Fault *fault)
{
    return text_of(claim->payload_hash).length <= HASH_BYTES_MAX ||
           s3_fault(fault, S3_INVALID_ARGUMENT, "x-amz-content-sha256 is not valid.");
}

bool s3_auth_read(const S3Request *request, int64_t now_us, S3Claim *claim_out, S3Fault *fault)
{
    const char *authorization = s3_header(request, "authorization");
    S3Claim claim = {.presigned = false};
    bool read = false;
    if (s3_parameter(request, "X-Amz-Signature") != NULL) {
        read = read_query(request, now_us, &claim, fault);
    } else if (authorization != NULL) {
        read = read_header(request, text_of(authorization), now_us, &claim, fault);
    } else {
        s3_fault(fault, S3_ACCESS_DENIED, "The request is not signed with " ALGORITHM ".");
    }
    if (!read || !check_payload_hash(&claim, fault) ||
        !check_signed_headers(request, &claim, fault)) {
        return false;
    }
    *claim_out = claim;
    return true;
}

SigV4Key s3_auth_key(const S3Claim *claim, const char *secret)
{
    return (SigV4Key){.access_key_id = claim->access_key_id,
                      .secret_access_key = secret,
                      .region = claim->region,
                      .service = SERVICE};
}

/* The headers that are signed, in their order; a signed one that was not sent counts as empty. A
 * name is signed twice: before its value, and in the list of names. */
static bool collect_headers(const S3Request *request,
                            const S3Claim *claim,
                            SigV4Request *signed_request,
                            S3Fault *fault)
{
    SigV4Field *headers = arena_alloc(request->arena, SIGV4_FIELDS_MAX * sizeof *headers);
    size_t count = 0;
    size_t bytes = 0;
    Text rest = text_of(claim->signed_headers);
    while (rest.bytes != NULL) {
        const char *name = arena_string(request->arena, text_split(&rest, ';'));
        bool found = false;
        for (size_t i = 0; i <= request->header_count && count <= SIGV4_FIELDS_MAX; i++) {
            bool last = i == request->header_count;
            if (last ? found : strcmp(request->headers[i].name, name) != 0) {
                continue;
            }
            if (count == SIGV4_FIELDS_MAX) {
                return s3_fault(fault, S3_INVALID_REQUEST, "Too many headers are signed.");
            }
            headers[count++] = (SigV4Field){name, last ? "" : request->headers[i].value};
            bytes += 2 * strlen(name) + strlen(headers[count - 1].value) + 3;
            found = true;
        }
    }
    signed_request->headers = headers;
    signed_request->header_count = count;
    return bytes <= SIGNED_BYTES_MAX ||
           s3_fault(fault, S3_INVALID_REQUEST, "The signed headers are longer than %d bytes.",
                    SIGNED_BYTES_MAX);
}

static void collect_query(const S3Request *request, SigV4Request *signed_request)
{
    SigV4Field *query = arena_alloc(request->arena, SIGV4_FIELDS_MAX * sizeof *query);
    size_t count = 0;
    for (size_t i = 0; i < request->query_count; i++) {
        if (strcmp(request->query[i].name, "X-Amz-Signature") != 0) {
            query[count++] = request->query[i];
        }
    }
    signed_request->query = query;
    signed_request->query_count = count;
}

static bool matches(const SigV4Key *key, const SigV4Request *signed_request, const char *given)
{
    char expected[SIGV4_SIGNATURE_BYTES];
    sigv4_sign(key, signed_request, expected);
    return strlen(given) == SIGNATURE_LENGTH &&
           CRYPTO_memcmp(given, expected, SIGNATURE_LENGTH) == 0;
}

bool s3_auth_verify(const S3Request *request,
                    const S3Claim *claim,
                    const char *secret,
                    S3Fault *fault)
{
    SigV4Request signed_request = {.method = request->method,
                                   .path = request->path,
                                   .payload_hash = claim->payload_hash,
                                   .at_seconds = claim->at_seconds};
    collect_query(request, &signed_request);
    if (!collect_headers(request, claim, &signed_request, fault)) {
        return false;
    }
    SigV4Key key = s3_auth_key(claim, secret);
    if (matches(&key, &signed_request, claim->signature)) {
        return true;
    }
    if (claim->presigned && strcmp(request->method, "HEAD") == 0) {
        signed_request.method = "GET";
        if (matches(&key, &signed_request, claim->signature)) {
            return true;
        }
    }
    return s3_fault(fault, S3_SIGNATURE_DOES_NOT_MATCH,
                    "The signature of the request does not match: look at the secret access key "
                    "and at what is signed.");
}
