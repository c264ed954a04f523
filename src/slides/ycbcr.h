/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YCbCr of the full range to RGB: the matrix of ITU-R BT.601 as JFIF, DICOM's YBR_FULL and JPEG
 * 2000's ICT use it (ISO 15444-1 G.3.2). In 16 bit fixed point, rounded as libjpeg does.
 */
#pragma once
#include <stdint.h>

static inline uint8_t ycbcr_clamp(int32_t value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* `cb` and `cr` are centred on 0. */
static inline void ycbcr_to_rgb(int32_t y, int32_t cb, int32_t cr, uint8_t rgb_out[3])
{
    rgb_out[0] = ycbcr_clamp(y + ((91881 * cr + 32768) >> 16));
    rgb_out[1] = ycbcr_clamp(y + ((-22554 * cb - 46802 * cr + 32768) >> 16));
    rgb_out[2] = ycbcr_clamp(y + ((116130 * cb + 32768) >> 16));
}
