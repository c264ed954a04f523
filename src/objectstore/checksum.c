/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C by isa-l; see checksum.h. */
#include "objectstore/checksum.h"

#include <isa-l/crc.h>

#include "base/base64.h"

enum { CRC32C_BYTES = 4, STEP_BYTES_MAX = 1 << 30 };

uint32_t crc32c_update(uint32_t crc, const void *bytes, size_t length)
{
    const unsigned char *next = bytes;
    /* isa-l works on the inverted value and takes the length as an int. */
    uint32_t inverted = ~crc;
    while (length > 0) {
        size_t step = length < STEP_BYTES_MAX ? length : STEP_BYTES_MAX;
        /* The library's parameter lacks a const; it only reads. */
        inverted = crc32_iscsi((unsigned char *)next, (int)step, inverted);
        next += step;
        length -= step;
    }
    return ~inverted;
}

void crc32c_to_base64(uint32_t crc, char out[CRC32C_TEXT_BYTES])
{
    const uint8_t bytes[CRC32C_BYTES] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16),
                                         (uint8_t)(crc >> 8), (uint8_t)crc};
    base64_encode(bytes, sizeof bytes, out);
}

bool crc32c_of_base64(Text text, uint32_t *crc_out)
{
    AUTO_BUFFER bytes;
    buffer_init(&bytes, CRC32C_BYTES);
    if (!base64_decode(text, &bytes) || bytes.overflow || bytes.length != CRC32C_BYTES) {
        return false;
    }
    const uint8_t *value = (const uint8_t *)bytes.bytes;
    *crc_out = (uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 | (uint32_t)value[2] << 8 |
               (uint32_t)value[3];
    return true;
}
