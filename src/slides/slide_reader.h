/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a back end of slide.h gives: a table of functions and its own state. A reader embeds
 * Slide as its first member and fills `info` when it opens.
 */
#pragma once
#include "slides/slide.h"

typedef struct SlideReader {
    /* The region is inside the limits; it may still lie outside the image. */
    bool (*read_region)(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error);
    void (*close)(Slide *slide);
} SlideReader;

struct Slide {
    const SlideReader *reader;
    SlideInfo info;
};

/* The direct reader of tiled TIFF and SVS. ERROR_UNAVAILABLE: a valid TIFF that only another
 * back end can decode. */
MUST_CHECK bool tiff_slide_open(const char *path, Slide **slide_out, Error *error);
MUST_CHECK bool png_slide_open(const char *path, Slide **slide_out, Error *error);
MUST_CHECK bool openslide_slide_open(const char *path, Slide **slide_out, Error *error);
/* OpenSlide's name for the format of the file, or NULL. */
const char *openslide_vendor(const char *path);

/* Checks the sizes in `info` against the limits and sets the downsamples. */
MUST_CHECK bool slide_info_check(SlideInfo *info, Error *error);

/* The file's microns per pixel when they are believable, else 0: resolution tags of pictures that
 * never saw a scanner (72 dpi, 1 px/cm) say nothing. */
double slide_plausible_mpp(double mpp);

/* The part of `region` that lies inside the level; false when there is none. */
bool slide_region_clip(const SlideLevel *level, const SlideRegion *region, SlideRegion *inside_out);
