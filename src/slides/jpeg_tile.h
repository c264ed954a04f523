/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes one JPEG tile with libjpeg-turbo: an abbreviated image whose tables stand in a TIFF's
 * JPEGTables field (TIFF Technical Note 2), or a complete one.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct JpegTile {
    const uint8_t *tables; /* NULL: the tile is complete */
    size_t tables_bytes;
    const uint8_t *data;
    size_t data_bytes;
    int32_t width_px; /* what the container says; the JPEG must agree */
    int32_t height_px;
    bool stored_as_rgb; /* the container says that the components are RGB, not YCbCr */
    bool adobe_decides; /* but an Adobe marker, which names the transform, is believed before it */
} JpegTile;

MUST_CHECK bool jpeg_tile_decode(const JpegTile *tile, uint8_t *rgb_out, Error *error);
