/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C (Castagnoli), computed while bytes stream by; as text it is base64 of the big-endian
 * value. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* The checksum of nothing. */
#define CRC32C_EMPTY 0U

/* The checksum of what `crc` covers followed by these bytes. */
uint32_t crc32c_update(uint32_t crc, const void *bytes, size_t length);

enum { CRC32C_TEXT_BYTES = 9 };
/* "4waSgw==" and its NUL. */
void crc32c_to_base64(uint32_t crc, char out[CRC32C_TEXT_BYTES]);
bool crc32c_of_base64(Text text, uint32_t *crc_out);
