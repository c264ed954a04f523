/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the levels of a tiled TIFF: which directories are the image and its smaller copies, how
 * their tiles are stored, and how large a pixel is. Everything else in the file (thumbnail, label,
 * macro) is only listed.
 */
#pragma once
#include <stdint.h>

#include "slides/slide.h"
#include "slides/tiff_handle.h"

typedef enum TiffDecoder {
    TIFF_JPEG,
    TIFF_JPEG2000,
    TIFF_OTHER, /* libtiff's own */
} TiffDecoder;

typedef struct TiffLevel {
    tdir_t directory;
    TiffDecoder decoder;
    uint16_t samples; /* 3, or 4 with an alpha that is dropped */
    bool stored_as_rgb;
} TiffLevel;

/* Fills mpp, format and properties of `info` and how the current page is stored. Errors as below.
 */
MUST_CHECK bool
tiff_level_describe(TIFF *tiff, SlideInfo *info, TiffLevel *level_out, Error *error);

/* Fills levels, mpp and format of `info` and one TiffLevel a level. ERROR_UNAVAILABLE: the tiles
 * are stored in a way that is not read here. */
MUST_CHECK bool tiff_levels_find(TiffHandle *handle,
                                 SlideInfo *info,
                                 TiffLevel levels_out[SLIDE_LEVELS_MAX],
                                 Error *error);
