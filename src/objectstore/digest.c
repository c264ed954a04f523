/* SPDX-License-Identifier: Apache-2.0 */
/* Reading files for their checksums; see digest.h. */
#include "objectstore/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

enum { CHUNK_BYTES = 256 * 1024 };

/* What reads a file's bytes on their way. */
typedef struct Digester {
    EVP_MD_CTX *md5; /* NULL: not wanted */
    uint32_t part_crc32c;
    uint32_t crc32c;
} Digester;

static void digester_clear(Digester *digester)
{
    EVP_MD_CTX_free(digester->md5);
}

static bool read_part(const FilePart *part, Digester *digester, Error *error)
{
    AUTO_FREE unsigned char *bytes = alloc_array(CHUNK_BYTES, 1);
    int64_t done = 0;
    while (done < part->size_bytes) {
        int64_t left = part->size_bytes - done;
        ssize_t got = fd_read_all_at(part->fd, part->offset + done, bytes,
                                     left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES);
        if (got <= 0) {
            return error_set(error, ERROR_INTERNAL, "the file to store cannot be read: %s",
                             got < 0 ? strerror(errno) : "it became shorter");
        }
        digester->part_crc32c = crc32c_update(digester->part_crc32c, bytes, (size_t)got);
        digester->crc32c = crc32c_update(digester->crc32c, bytes, (size_t)got);
        if (digester->md5 != NULL && EVP_DigestUpdate(digester->md5, bytes, (size_t)got) != 1) {
            abort();
        }
        done += got;
    }
    return true;
}

/* A policy that forbids MD5 altogether is said so. */
static bool begin_md5(Digester *digester, Error *error)
{
    digester->md5 = EVP_MD_CTX_new();
    return (digester->md5 != NULL && EVP_DigestInit_ex(digester->md5, EVP_md5(), NULL) == 1) ||
           error_set(error, ERROR_INVALID,
                     "OpenSSL gives no MD5 here, which SLIDEWAY_S3_CHECKSUM asks for");
}

static void end_md5(const Digester *digester, PartDigest *digest)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(digester->md5, hash, NULL) != 1) {
        abort();
    }
    base64_encode(hash, MD5_BYTES, digest->md5_base64);
    for (size_t i = 0; i < MD5_BYTES; i++) {
        snprintf(digest->md5_hexadecimal + 2 * i, 3, "%02x", hash[i]);
    }
}

bool digest_part(
    const FilePart *part, bool with_md5, PartDigest *digest_out, uint32_t *crc32c, Error *error)
{
    CLEANUP(digester_clear)
    Digester digester = {.part_crc32c = CRC32C_EMPTY, .crc32c = *crc32c};
    PartDigest digest = {.md5_base64 = ""};
    if ((with_md5 && !begin_md5(&digester, error)) || !read_part(part, &digester, error)) {
        return false;
    }
    if (with_md5) {
        end_md5(&digester, &digest);
    }
    crc32c_to_base64(digester.part_crc32c, digest.crc32c_base64);
    *crc32c = digester.crc32c;
    *digest_out = digest;
    return true;
}

bool digest_file(const FilePart *file, int64_t part_bytes, FileDigest *digest_out, Error *error)
{
    Digester digester = {.crc32c = CRC32C_EMPTY};
    uint32_t of_parts = CRC32C_EMPTY;
    int64_t count = 0;
    for (int64_t done = 0; done < file->size_bytes; done += part_bytes, count++) {
        int64_t left = file->size_bytes - done;
        const FilePart part = {file->fd, file->offset + done,
                               left < part_bytes ? left : part_bytes};
        digester.part_crc32c = CRC32C_EMPTY;
        if (!read_part(&part, &digester, error)) {
            return false;
        }
        const uint32_t value = digester.part_crc32c;
        const unsigned char big_endian[4] = {(unsigned char)(value >> 24),
                                             (unsigned char)(value >> 16),
                                             (unsigned char)(value >> 8), (unsigned char)value};
        of_parts = crc32c_update(of_parts, big_endian, sizeof big_endian);
    }
    FileDigest digest = {.crc32c = digester.crc32c};
    char text[CRC32C_TEXT_BYTES];
    crc32c_to_base64(of_parts, text);
    snprintf(digest.of_parts, sizeof digest.of_parts, "%s-%" PRId64, text, count);
    crc32c_to_base64(digester.crc32c, digest.crc32c_base64);
    *digest_out = digest;
    return true;
}
