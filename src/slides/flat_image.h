/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small image of one level that is kept in memory whole: a PNG or JPEG file, a TIFF without
 * tiles.
 */
#pragma once
#include "slides/slide_reader.h"

/* Whether so many pixels may be kept; ERROR_INVALID names them and the `kind` of file. */
MUST_CHECK bool
flat_image_check(const char *kind, int64_t width_px, int64_t height_px, Error *error);
/* The slide of width * height RGB triples, of which it becomes the owner. `info` has the format,
 * and what else the file tells. */
Slide *flat_image_create(const SlideInfo *info, int32_t width_px, int32_t height_px, uint8_t *rgb);
