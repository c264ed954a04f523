/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes one JPEG 2000 code stream (ISO 15444-1) of a tile with OpenJPEG: three components of 8
 * bits, of which the colours may have fewer samples.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

/* What the container says that the components are. Where the code stream itself names its component
 * transform, the decoder undoes it and gives RGB. */
typedef enum Jpeg2000Colours {
    JPEG2000_RGB,
    JPEG2000_YCBCR, /* of the irreversible transform, or plain YCbCr */
    JPEG2000_RCT,   /* of the reversible transform */
} Jpeg2000Colours;

typedef struct Jpeg2000Tile {
    const uint8_t *data;
    size_t data_bytes;
    int32_t width_px; /* what the container says; the code stream must agree */
    int32_t height_px;
    Jpeg2000Colours colours;
} Jpeg2000Tile;

MUST_CHECK bool jpeg2000_tile_decode(const Jpeg2000Tile *tile, uint8_t *rgb_out, Error *error);
