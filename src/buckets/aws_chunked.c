/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding aws-chunked; see aws_chunked.h. */
#include "buckets/aws_chunked.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SIGNATURE_PART "chunk-signature="
#define TRAILER_SIGNATURE "x-amz-trailer-signature"

enum { LENGTH_DIGITS_MAX = 15, TRAILERS_BYTES_MAX = TRAILERS_MAX * CHUNK_LINE_BYTES_MAX };

static void begin_hash(AwsChunked *chunked)
{
    if (chunked->hash != NULL && EVP_DigestInit_ex(chunked->hash, EVP_sha256(), NULL) != 1) {
        abort();
    }
}

void aws_chunked_init(AwsChunked *chunked, const ChunkedRules *rules, const SigV4Chain *chain)
{
    *chunked = (AwsChunked){.rules = *rules};
    buffer_init(&chunked->trailers, TRAILERS_BYTES_MAX);
    if (rules->is_signed) {
        chunked->chain = *chain;
        chunked->hash = EVP_MD_CTX_new();
        if (chunked->hash == NULL) {
            abort();
        }
    }
    begin_hash(chunked);
}

void aws_chunked_clear(AwsChunked *chunked)
{
    EVP_MD_CTX_free(chunked->hash);
    chunked->hash = NULL;
    buffer_clear(&chunked->trailers);
    OPENSSL_cleanse(&chunked->chain, sizeof chunked->chain);
}

static bool malformed(S3Fault *fault)
{
    return s3_fault(fault, S3_INCOMPLETE_BODY, "The aws-chunked body is not well-formed.");
}

/* Collects a line. True with *complete: it stands in `line`, without its end, which is CR LF. */
static bool take_line(AwsChunked *chunked, Text *rest, bool *complete, S3Fault *fault)
{
    const char *end = memchr(rest->bytes, '\n', rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->bytes);
    if (length >= sizeof chunked->line - chunked->line_length) {
        return malformed(fault);
    }
    memcpy(chunked->line + chunked->line_length, rest->bytes, length);
    chunked->line_length += length;
    *complete = end != NULL;
    *rest = text_from(*rest, length + (end != NULL ? 1 : 0));
    if (end == NULL) {
        return true;
    }
    if (chunked->line_length == 0 || chunked->line[chunked->line_length - 1] != '\r') {
        return malformed(fault);
    }
    chunked->line_length--;
    return true;
}

static bool parse_length(Text digits, int64_t *length_out)
{
    int64_t length = 0;
    if (digits.length == 0 || digits.length > LENGTH_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < digits.length; i++) {
        char c = digits.bytes[i];
        int value = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (value < 0) {
            return false;
        }
        length = length * 16 + value;
    }
    *length_out = length;
    return true;
}

/* "10000;chunk-signature=…", or the length alone. */
static bool read_header(AwsChunked *chunked, S3Fault *fault)
{
    Text rest = {chunked->line, chunked->line_length};
    Text digits = text_split(&rest, ';');
    if (!parse_length(digits, &chunked->chunk_left)) {
        return malformed(fault);
    }
    if (chunked->rules.is_signed) {
        if (!text_starts_with(rest, SIGNATURE_PART) ||
            !text_copy(text_from(rest, sizeof SIGNATURE_PART - 1), chunked->signature,
                       sizeof chunked->signature)) {
            return malformed(fault);
        }
    }
    int64_t announced = chunked->rules.decoded_bytes;
    int64_t maximum = announced >= 0 ? announced : chunked->rules.decoded_bytes_max;
    if (chunked->chunk_left > maximum - chunked->decoded) {
        return announced >= 0 ? malformed(fault)
                              : s3_fault(fault, S3_ENTITY_TOO_LARGE, "The object is too large.");
    }
    return true;
}

static bool signature_matches(const char *expected, const char *given)
{
    return strlen(given) == SIGV4_SIGNATURE_BYTES - 1 &&
           CRYPTO_memcmp(expected, given, SIGV4_SIGNATURE_BYTES - 1) == 0;
}

static bool refuse_signature(S3Fault *fault)
{
    return s3_fault(fault, S3_SIGNATURE_DOES_NOT_MATCH,
                    "The signature of a chunk of the body does not match.");
}

static bool check_chunk(AwsChunked *chunked, S3Fault *fault)
{
    if (chunked->hash == NULL) {
        return true;
    }
    unsigned char hash[EVP_MAX_MD_SIZE];
    char expected[SIGV4_SIGNATURE_BYTES];
    if (EVP_DigestFinal_ex(chunked->hash, hash, NULL) != 1) {
        abort();
    }
    begin_hash(chunked);
    sigv4_chain_chunk(&chunked->chain, hash, expected);
    return signature_matches(expected, chunked->signature) || refuse_signature(fault);
}

/* The last chunk, of length 0, has no data. */
static bool begin_chunk(AwsChunked *chunked, S3Fault *fault)
{
    if (chunked->chunk_left > 0) {
        chunked->phase = CHUNK_DATA;
        return true;
    }
    if (chunked->rules.decoded_bytes >= 0 && chunked->decoded != chunked->rules.decoded_bytes) {
        return malformed(fault);
    }
    chunked->phase = CHUNK_TRAILER;
    return check_chunk(chunked, fault);
}

static bool take_data(AwsChunked *chunked, Text *rest, Text *data_out)
{
    size_t length = rest->length;
    if ((int64_t)length > chunked->chunk_left) {
        length = (size_t)chunked->chunk_left;
    }
    *data_out = (Text){rest->bytes, length};
    *rest = text_from(*rest, length);
    if (chunked->hash != NULL && EVP_DigestUpdate(chunked->hash, data_out->bytes, length) != 1) {
        abort();
    }
    chunked->decoded += (int64_t)length;
    chunked->chunk_left -= (int64_t)length;
    chunked->phase = chunked->chunk_left == 0 ? CHUNK_DATA_END : CHUNK_DATA;
    return true;
}

static bool end_trailers(AwsChunked *chunked, S3Fault *fault)
{
    if (chunked->rules.has_trailer && chunked->rules.is_signed && !chunked->trailer_signed) {
        return s3_fault(fault, S3_MALFORMED_TRAILER, "The trailers are not signed.");
    }
    if (chunked->rules.trailer_name != NULL && chunked->trailer_value[0] == '\0') {
        return s3_fault(fault, S3_MALFORMED_TRAILER, "The trailer %.64s did not come.",
                        chunked->rules.trailer_name);
    }
    chunked->phase = CHUNK_ENDED;
    return true;
}

static bool check_trailer_signature(AwsChunked *chunked, Text value, S3Fault *fault)
{
    char given[SIGV4_SIGNATURE_BYTES] = "";
    char expected[SIGV4_SIGNATURE_BYTES];
    sigv4_chain_trailer(&chunked->chain, buffer_view(&chunked->trailers), expected);
    chunked->trailer_signed = true;
    return (text_copy(value, given, sizeof given) && signature_matches(expected, given)) ||
           refuse_signature(fault);
}

/* "x-amz-checksum-crc32c:sOO8/Q==" */
static bool read_trailer(AwsChunked *chunked, S3Fault *fault)
{
    Text value = {chunked->line, chunked->line_length};
    Text name = text_trim(text_split(&value, ':'));
    if (!chunked->rules.has_trailer || value.bytes == NULL || name.length == 0 ||
        ++chunked->trailer_count > TRAILERS_MAX || chunked->trailer_signed) {
        return s3_fault(fault, S3_MALFORMED_TRAILER, "The trailers are not well-formed.");
    }
    value = text_trim(value);
    char lower[TRAILER_VALUE_BYTES] = "";
    if (!text_copy(name, lower, sizeof lower)) {
        return s3_fault(fault, S3_MALFORMED_TRAILER, "A trailer's name is too long.");
    }
    for (char *c = lower; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    if (strcmp(lower, TRAILER_SIGNATURE) == 0 && chunked->rules.is_signed) {
        return check_trailer_signature(chunked, value, fault);
    }
    buffer_format(&chunked->trailers, "%s:%.*s\n", lower, TEXT_ARGUMENTS(value));
    if (chunked->rules.trailer_name == NULL || strcmp(lower, chunked->rules.trailer_name) != 0) {
        return s3_fault(fault, S3_MALFORMED_TRAILER,
                        "A trailer came that x-amz-trailer does not name.");
    }
    if (chunked->trailer_value[0] != '\0' ||
        !text_copy(value, chunked->trailer_value, sizeof chunked->trailer_value)) {
        return s3_fault(fault, S3_MALFORMED_TRAILER, "The trailers are not well-formed.");
    }
    return true;
}

static bool take_complete_line(AwsChunked *chunked, S3Fault *fault)
{
    switch (chunked->phase) {
    case CHUNK_HEADER:
        return read_header(chunked, fault) && begin_chunk(chunked, fault);
    case CHUNK_DATA_END:
        chunked->phase = CHUNK_HEADER;
        return chunked->line_length == 0 ? check_chunk(chunked, fault) : malformed(fault);
    case CHUNK_TRAILER:
        return chunked->line_length == 0 ? end_trailers(chunked, fault)
                                         : read_trailer(chunked, fault);
    case CHUNK_DATA:
    case CHUNK_ENDED:
        break;
    }
    return malformed(fault);
}

bool aws_chunked_next(AwsChunked *chunked, Text *rest, Text *data_out, S3Fault *fault)
{
    *data_out = TEXT("");
    while (rest->length > 0) {
        if (chunked->phase == CHUNK_DATA) {
            return take_data(chunked, rest, data_out);
        }
        bool complete = false;
        if (chunked->phase == CHUNK_ENDED) {
            return malformed(fault);
        }
        if (!take_line(chunked, rest, &complete, fault) ||
            (complete && !take_complete_line(chunked, fault))) {
            return false;
        }
        chunked->line_length = complete ? 0 : chunked->line_length;
    }
    return true;
}

bool aws_chunked_finish(const AwsChunked *chunked, S3Fault *fault)
{
    return chunked->phase == CHUNK_ENDED ||
           s3_fault(fault, S3_INCOMPLETE_BODY, "The body ended before its last chunk.");
}
