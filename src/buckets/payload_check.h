/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a body is checked by while it streams past: Content-MD5, the signed SHA-256, and one
 * checksum of x-amz-checksum-*, from a header or from a trailer. The MD5 is always computed, since
 * clients compare an object's ETag with it.
 */
#pragma once
#include <openssl/evp.h>
#include <stdint.h>

#include "base/text.h"
#include "buckets/s3_fault.h"

typedef enum ChecksumKind {
    CHECKSUM_NONE,
    CHECKSUM_CRC32,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC64NVME,
    CHECKSUM_SHA1,
    CHECKSUM_SHA256,
    CHECKSUM_KIND_COUNT
} ChecksumKind;

enum { CHECKSUM_TEXT_BYTES = 64, MD5_HEX_BYTES = 33 };

/* "x-amz-checksum-crc32c" */
const char *checksum_header(ChecksumKind kind);
/* The kind of that header, or CHECKSUM_NONE; upper or lower case. */
ChecksumKind checksum_kind(Text header);

/* CRC-64/NVME, in the manner of crc32c_update: 0 is the checksum of nothing. */
uint64_t crc64nvme_update(uint64_t crc, const void *bytes, size_t length);

typedef struct PayloadCheck {
    EVP_MD_CTX *md5;
    EVP_MD_CTX *sha256; /* of the whole body, as it was signed; NULL: not wanted */
    EVP_MD_CTX *sha;    /* of a checksum that is a SHA; else NULL */
    ChecksumKind kind;
    uint32_t crc32;
    uint64_t crc64;
} PayloadCheck;

void payload_check_init(PayloadCheck *check, bool with_sha256, ChecksumKind kind);
void payload_check_clear(PayloadCheck *check);
void payload_check_update(PayloadCheck *check, const void *bytes, size_t length);

/* What the sender says of the body; bytes == NULL: nothing. */
typedef struct PayloadClaims {
    Text content_md5; /* base64 */
    Text sha256;      /* hexadecimal */
    Text checksum;    /* base64, of the check's kind */
} PayloadClaims;

/* Compares, once, at the end of the body; the MD5 is the ETag without its quotes. */
MUST_CHECK bool payload_check_finish(PayloadCheck *check,
                                     const PayloadClaims *claims,
                                     char md5_out[MD5_HEX_BYTES],
                                     S3Fault *fault);
