/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of a slide: a part of it with what the analysis found drawn over it, and a small one of
 * all of it. They show its levels alone: label and macro images bear patients' names. */
#pragma once
#include "analysis/result.h"
#include "base/error.h"
#include "slides/slide.h"

/* A rectangle in level 0 pixels. */
typedef struct OverlayRegion {
    int64_t x_px;
    int64_t y_px;
    int64_t width_px;
    int64_t height_px;
} OverlayRegion;

/* Draws the region, made smaller where it is larger than a picture may be, and writes a PNG. */
MUST_CHECK bool overlay_write(Slide *slide,
                              const AnalysisResult *result,
                              const OverlayRegion *region,
                              const char *path,
                              Error *error);
/* Writes a PNG of at most 1024 px a side. */
MUST_CHECK bool thumbnail_write(Slide *slide, const char *path, Error *error);
