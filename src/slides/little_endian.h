/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian numbers at any address. */
#pragma once
#include <stdint.h>

static inline uint16_t little_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t little_u32(const uint8_t *bytes)
{
    return (uint32_t)little_u16(bytes) | (uint32_t)little_u16(bytes + 2) << 16;
}

static inline uint64_t little_u64(const uint8_t *bytes)
{
    return (uint64_t)little_u32(bytes) | (uint64_t)little_u32(bytes + 4) << 32;
}
