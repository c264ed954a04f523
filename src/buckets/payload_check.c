/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of bodies; see payload_check.h. */
#include "buckets/payload_check.h"

#include <isa-l/crc.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "base/base64.h"
#include "objectstore/checksum.h"

enum { STEP_BYTES_MAX = 1 << 30, SLICES = 8, BYTE_VALUES = 256, DIGEST_BYTES_MAX = 32 };

/* The polynomial of CRC-64/NVME, its bits in reverse. */
#define CRC64NVME_POLYNOMIAL 0x9A6C9329AC4BC9B5ULL

static const char *const HEADERS[CHECKSUM_KIND_COUNT] = {
    [CHECKSUM_NONE] = "",
    [CHECKSUM_CRC32] = "x-amz-checksum-crc32",
    [CHECKSUM_CRC32C] = "x-amz-checksum-crc32c",
    [CHECKSUM_CRC64NVME] = "x-amz-checksum-crc64nvme",
    [CHECKSUM_SHA1] = "x-amz-checksum-sha1",
    [CHECKSUM_SHA256] = "x-amz-checksum-sha256",
};

const char *checksum_header(ChecksumKind kind)
{
    return HEADERS[kind];
}

ChecksumKind checksum_kind(Text header)
{
    for (size_t i = CHECKSUM_NONE + 1; i < CHECKSUM_KIND_COUNT; i++) {
        if (strlen(HEADERS[i]) == header.length &&
            strncasecmp(HEADERS[i], header.bytes, header.length) == 0) {
            return (ChecksumKind)i;
        }
    }
    return CHECKSUM_NONE;
}

/* isa-l of Debian has no CRC-64/NVME. Eight bytes at a time, by tables: TABLES[k][b] is the
 * remainder of byte b with k bytes of zero behind it. */
static uint64_t TABLES[SLICES][BYTE_VALUES];

static void fill_tables(void)
{
    for (unsigned byte = 0; byte < BYTE_VALUES; byte++) {
        uint64_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? CRC64NVME_POLYNOMIAL : 0);
        }
        TABLES[0][byte] = crc;
    }
    for (unsigned byte = 0; byte < BYTE_VALUES; byte++) {
        for (int k = 1; k < SLICES; k++) {
            uint64_t before = TABLES[k - 1][byte];
            TABLES[k][byte] = (before >> 8) ^ TABLES[0][before & 0xFF];
        }
    }
}

uint64_t crc64nvme_update(uint64_t crc, const void *bytes, size_t length)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_tables);
    const unsigned char *next = bytes;
    uint64_t value = ~crc;
    for (; length >= SLICES; next += SLICES, length -= SLICES) {
        uint64_t word = 0;
        memcpy(&word, next, sizeof word);
        word = value ^ le64toh(word);
        value = 0;
        for (int k = 0; k < SLICES; k++) {
            value ^= TABLES[SLICES - 1 - k][word & 0xFF];
            word >>= 8;
        }
    }
    for (; length > 0; next++, length--) {
        value = (value >> 8) ^ TABLES[0][(value ^ *next) & 0xFF];
    }
    return ~value;
}

static uint32_t crc32_update(uint32_t crc, const void *bytes, size_t length)
{
    const unsigned char *next = bytes;
    while (length > 0) {
        size_t step = length < STEP_BYTES_MAX ? length : STEP_BYTES_MAX;
        crc = crc32_gzip_refl(crc, next, step);
        next += step;
        length -= step;
    }
    return crc;
}

static EVP_MD_CTX *begin(const EVP_MD *kind)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, kind, NULL) != 1) {
        abort();
    }
    return context;
}

void payload_check_init(PayloadCheck *check, bool with_sha256, ChecksumKind kind)
{
    *check = (PayloadCheck){.kind = kind, .md5 = begin(EVP_md5())};
    check->sha256 = with_sha256 ? begin(EVP_sha256()) : NULL;
    if (kind == CHECKSUM_SHA1) {
        check->sha = begin(EVP_sha1());
    } else if (kind == CHECKSUM_SHA256) {
        check->sha = begin(EVP_sha256());
    }
}

void payload_check_clear(PayloadCheck *check)
{
    EVP_MD_CTX_free(check->md5);
    EVP_MD_CTX_free(check->sha256);
    EVP_MD_CTX_free(check->sha);
    *check = (PayloadCheck){.kind = CHECKSUM_NONE};
}

static void update(EVP_MD_CTX *context, const void *bytes, size_t length)
{
    if (context != NULL && EVP_DigestUpdate(context, bytes, length) != 1) {
        abort();
    }
}

void payload_check_update(PayloadCheck *check, const void *bytes, size_t length)
{
    update(check->md5, bytes, length);
    update(check->sha256, bytes, length);
    update(check->sha, bytes, length);
    if (check->kind == CHECKSUM_CRC32) {
        check->crc32 = crc32_update(check->crc32, bytes, length);
    } else if (check->kind == CHECKSUM_CRC32C) {
        check->crc32 = crc32c_update(check->crc32, bytes, length);
    } else if (check->kind == CHECKSUM_CRC64NVME) {
        check->crc64 = crc64nvme_update(check->crc64, bytes, length);
    }
}

/* A checksum's bytes as they are sent, the highest first. */
typedef struct Digest {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length;
} Digest;

static Digest finish(EVP_MD_CTX *context)
{
    Digest digest;
    if (EVP_DigestFinal_ex(context, digest.bytes, &digest.length) != 1) {
        abort();
    }
    return digest;
}

static Digest big_endian(uint64_t value, unsigned length)
{
    Digest digest = {.length = length};
    for (unsigned i = 0; i < length; i++) {
        digest.bytes[i] = (unsigned char)(value >> (8 * (length - 1 - i)));
    }
    return digest;
}

static Digest checksum_of(PayloadCheck *check)
{
    if (check->sha != NULL) {
        return finish(check->sha);
    }
    bool is_long = check->kind == CHECKSUM_CRC64NVME;
    return is_long ? big_endian(check->crc64, sizeof check->crc64)
                   : big_endian(check->crc32, sizeof check->crc32);
}

/* S3_INVALID_DIGEST: it is no such checksum; S3_BAD_DIGEST: it is another. */
static bool compare(const Digest *digest, Text claimed, const char *name, S3Fault *fault)
{
    AUTO_BUFFER bytes;
    buffer_init(&bytes, DIGEST_BYTES_MAX);
    if (!base64_decode(claimed, &bytes) || bytes.overflow || bytes.length != digest->length) {
        return s3_fault(fault, S3_INVALID_DIGEST, "The value of %s is not valid.", name);
    }
    return memcmp(bytes.bytes, digest->bytes, digest->length) == 0 ||
           s3_fault(fault, S3_BAD_DIGEST, "The body does not match its %s.", name);
}

static void to_hexadecimal(const Digest *digest, char *out)
{
    for (unsigned i = 0; i < digest->length; i++) {
        snprintf(out + 2 * (size_t)i, 3, "%02x", digest->bytes[i]);
    }
}

bool payload_check_finish(PayloadCheck *check,
                          const PayloadClaims *claims,
                          char md5_out[MD5_HEX_BYTES],
                          S3Fault *fault)
{
    Digest md5 = finish(check->md5);
    if (claims->content_md5.bytes != NULL &&
        !compare(&md5, claims->content_md5, "Content-MD5", fault)) {
        return false;
    }
    if (check->sha256 != NULL) {
        char found[2 * EVP_MAX_MD_SIZE + 1];
        Digest sha256 = finish(check->sha256);
        to_hexadecimal(&sha256, found);
        if (!text_is(claims->sha256, found)) {
            return s3_fault(fault, S3_SHA256_MISMATCH,
                            "The body does not match its x-amz-content-sha256.");
        }
    }
    if (check->kind != CHECKSUM_NONE && claims->checksum.bytes != NULL) {
        Digest checksum = checksum_of(check);
        if (!compare(&checksum, claims->checksum, checksum_header(check->kind), fault)) {
            return false;
        }
    }
    to_hexadecimal(&md5, md5_out);
    return true;
}
