/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests; see s3_body.h. */
#include "buckets/s3_body.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/parse.h"

#define STREAMING "STREAMING-"

enum { HASH_LENGTH = 64 };

/* What x-amz-content-sha256 may say of a body that is sent in chunks. */
static const struct {
    const char *payload_hash;
    bool is_signed;
    bool has_trailer;
} STREAMS[] = {
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", true, false},
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", true, true},
    {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", false, true},
};

static bool is_streaming(const S3Claim *claim)
{
    return strncmp(claim->payload_hash, STREAMING, sizeof STREAMING - 1) == 0;
}

static bool is_hash(const char *text)
{
    size_t length = 0;
    while (isxdigit((unsigned char)text[length])) {
        length++;
    }
    return length == HASH_LENGTH && text[length] == '\0';
}

bool s3_body_length(const S3Request *request,
                    const S3Claim *claim,
                    int64_t *length_out,
                    S3Fault *fault)
{
    const char *name = is_streaming(claim) ? "x-amz-decoded-content-length" : "content-length";
    const char *value = s3_header(request, name);
    *length_out = -1;
    return value == NULL || parse_int64(text_of(value), 0, INT64_MAX, length_out) ||
           s3_fault(fault, S3_INVALID_ARGUMENT, "The header %s is not valid.", name);
}

static bool find_stream(const S3Claim *claim, ChunkedRules *rules, S3Fault *fault)
{
    for (size_t i = 0; i < ARRAY_COUNT(STREAMS); i++) {
        if (strcmp(STREAMS[i].payload_hash, claim->payload_hash) == 0) {
            rules->is_signed = STREAMS[i].is_signed;
            rules->has_trailer = STREAMS[i].has_trailer;
            return true;
        }
    }
    return s3_fault(fault, S3_NOT_IMPLEMENTED, "This x-amz-content-sha256 is not supported.");
}

static bool open_chunked(S3Body *body,
                         const S3Request *request,
                         const S3Claim *claim,
                         const char *secret,
                         S3Fault *fault)
{
    ChunkedRules rules = {.decoded_bytes_max = OBJECT_BYTES_MAX};
    SigV4Chain chain = {.time = ""};
    if (!find_stream(claim, &rules, fault) ||
        !s3_body_length(request, claim, &rules.decoded_bytes, fault)) {
        return false;
    }
    rules.trailer_name = rules.has_trailer ? s3_header(request, "x-amz-trailer") : NULL;
    if (rules.trailer_name != NULL) {
        ChecksumKind kind = checksum_kind(text_of(rules.trailer_name));
        if (kind == CHECKSUM_NONE) {
            return s3_fault(fault, S3_INVALID_REQUEST, "This x-amz-trailer is not supported.");
        }
        rules.trailer_name = checksum_header(kind);
    }
    if (rules.is_signed && strlen(claim->signature) == SIGV4_SIGNATURE_BYTES - 1) {
        SigV4Key key = s3_auth_key(claim, secret);
        sigv4_chain_begin(&key, claim->at_seconds, claim->signature, &chain);
    }
    aws_chunked_init(&body->decoder, &rules, &chain);
    body->chunked = true;
    return true;
}

static ChecksumKind find_checksum(const S3Request *request, S3Body *body)
{
    if (body->chunked && body->decoder.rules.trailer_name != NULL) {
        return checksum_kind(text_of(body->decoder.rules.trailer_name));
    }
    for (size_t i = 0; i < request->header_count; i++) {
        ChecksumKind kind = checksum_kind(text_of(request->headers[i].name));
        if (kind != CHECKSUM_NONE) {
            body->claims.checksum = text_of(request->headers[i].value);
            return kind;
        }
    }
    return CHECKSUM_NONE;
}

/* The framing of chunks must not be stored as an object. */
static bool check_encoding(const S3Request *request, S3Fault *fault)
{
    const char *encoding = s3_header(request, "content-encoding");
    return encoding == NULL || strcasestr(encoding, "aws-chunked") == NULL ||
           s3_fault(fault, S3_INVALID_REQUEST,
                    "The encoding aws-chunked needs a STREAMING x-amz-content-sha256.");
}

bool s3_body_open(S3Body *body,
                  const S3Request *request,
                  const S3Claim *claim,
                  const char *secret,
                  S3Fault *fault)
{
    bool hashed = is_hash(claim->payload_hash);
    if (is_streaming(claim)) {
        if (!open_chunked(body, request, claim, secret, fault)) {
            return false;
        }
    } else if (!hashed && strcmp(claim->payload_hash, SIGV4_UNSIGNED_PAYLOAD) != 0) {
        return s3_fault(fault, S3_INVALID_ARGUMENT, "x-amz-content-sha256 is not valid.");
    } else if (!check_encoding(request, fault)) {
        return false;
    }
    body->claims.content_md5 = text_of(s3_header(request, "content-md5"));
    body->claims.sha256 = hashed ? text_of(claim->payload_hash) : (Text){NULL, 0};
    payload_check_init(&body->check, hashed, find_checksum(request, body));
    body->open = true;
    return true;
}

void s3_body_close(S3Body *body)
{
    if (body->open) {
        payload_check_clear(&body->check);
    }
    if (body->chunked) {
        aws_chunked_clear(&body->decoder);
    }
    *body = (S3Body){.open = false};
}

static bool take_decoded(S3Body *body, Text bytes, S3Sink *sink, void *context, S3Fault *fault)
{
    if ((int64_t)bytes.length > body->bytes_max - body->bytes) {
        return s3_fault(fault, body->too_large,
                        body->too_large == S3_QUOTA_EXCEEDED
                            ? "The organization's bucket has no room for the object."
                            : "The body is too large.");
    }
    body->bytes += (int64_t)bytes.length;
    payload_check_update(&body->check, bytes.bytes, bytes.length);
    return sink(context, bytes, fault);
}

bool s3_body_take(S3Body *body, Text bytes, S3Sink *sink, void *context, S3Fault *fault)
{
    if (!body->chunked) {
        return take_decoded(body, bytes, sink, context, fault);
    }
    while (bytes.length > 0) {
        Text data;
        if (!aws_chunked_next(&body->decoder, &bytes, &data, fault) ||
            (data.length > 0 && !take_decoded(body, data, sink, context, fault))) {
            return false;
        }
    }
    return true;
}

bool s3_body_finish(S3Body *body, char md5_out[MD5_HEX_BYTES], S3Fault *fault)
{
    if (body->chunked) {
        if (!aws_chunked_finish(&body->decoder, fault)) {
            return false;
        }
        if (body->decoder.rules.trailer_name != NULL) {
            body->claims.checksum = text_of(body->decoder.trailer_value);
        }
    }
    return payload_check_finish(&body->check, &body->claims, md5_out, fault);
}
