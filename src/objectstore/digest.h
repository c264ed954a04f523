/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of files and their parts, as object stores write them. */
#pragma once
#include "base/base64.h"
#include "objectstore/checksum.h"
#include "objectstore/s3_client.h"

enum { MD5_BYTES = 16, PARTS_TEXT_BYTES = CRC32C_TEXT_BYTES + 24 };

typedef struct PartDigest {
    char crc32c_base64[CRC32C_TEXT_BYTES];
    char md5_base64[BASE64_BYTES(MD5_BYTES)]; /* empty: not wanted */
    char md5_hexadecimal[2 * MD5_BYTES + 1];
} PartDigest;

/* `crc32c` of all parts before grows by this one. */
MUST_CHECK bool digest_part(
    const FilePart *part, bool with_md5, PartDigest *digest_out, uint32_t *crc32c, Error *error);

typedef struct FileDigest {
    uint32_t crc32c;
    char crc32c_base64[CRC32C_TEXT_BYTES];
    char of_parts[PARTS_TEXT_BYTES]; /* the CRC32C of the parts' CRC32Cs, "-" and their number */
} FileDigest;

MUST_CHECK bool
digest_file(const FilePart *file, int64_t part_bytes, FileDigest *digest_out, Error *error);
