/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a back end of slide.h gives: a table of functions and its own state. A reader embeds
 * Slide as its first member and fills `info` when it opens. One whose image is stored in tiles
 * gives `read_tile`, and slide_tiles.c puts regions together; another gives `read_region`.
 */
#pragma once
#include "base/text.h"
#include "slides/slide.h"

typedef struct TileCache TileCache;

typedef struct SlideReader {
    /* Tile `tile` of a level in reading order, whole, as it is stored; NULL: no tiles. */
    bool (*read_tile)(Slide *slide, int level, uint32_t tile, uint8_t *rgb_out, Error *error);
    /* The region is inside the limits; it may still lie outside the image. */
    bool (*read_region)(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error);
    void (*close)(Slide *slide);
} SlideReader;

struct Slide {
    const SlideReader *reader;
    SlideInfo info;
    TileCache *cache; /* made with the first region of a reader of tiles */
};

/* The direct reader of TIFF and SVS. ERROR_UNAVAILABLE: a valid TIFF that only another
 * back end can decode. */
MUST_CHECK bool tiff_slide_open(const char *path, Slide **slide_out, Error *error);
/* Small images, kept in memory whole. */
MUST_CHECK bool jpeg_slide_open(const char *path, Slide **slide_out, Error *error);
MUST_CHECK bool png_slide_open(const char *path, Slide **slide_out, Error *error);
MUST_CHECK bool openslide_slide_open(const char *path, Slide **slide_out, Error *error);
/* OpenSlide's name for the format of the file, or NULL. */
const char *openslide_vendor(const char *path);
/* One file of DICOM, a zip archive with the files of a series, a folder with them. */
MUST_CHECK bool dicom_slide_open(const char *path, Slide **slide_out, Error *error);
MUST_CHECK bool dicom_zip_open(const char *path, Slide **slide_out, Error *error);
MUST_CHECK bool dicom_folder_open(const char *path, Slide **slide_out, Error *error);

/* Regions of a reader of tiles; decoded tiles are kept, so that overlapping regions decode each
 * once. */
MUST_CHECK bool
tiles_read_region(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error);
void tile_cache_destroy(TileCache *cache);

/* Checks one level's sizes and number of tiles against the limits. */
MUST_CHECK bool slide_level_check(const SlideLevel *level, Error *error);
/* Whether `candidate` is a coarser copy of the last level: smaller, and of the first one's shape.
 */
bool slide_is_coarser_copy(const SlideInfo *info, const SlideLevel *candidate);
/* Checks the levels in `info` and sets the downsamples. */
MUST_CHECK bool slide_info_check(SlideInfo *info, Error *error);
/* More than SLIDE_ASSOCIATED_MAX are not listed. */
void slide_add_associated(SlideInfo *info, const char *kind, int64_t width_px, int64_t height_px);
/* Cut to its place; what is not printable ASCII becomes '?'. Empty values are left out. */
void slide_add_property(SlideInfo *info, const char *name, Text value);

/* The file's microns per pixel when they are believable, else 0: resolution tags of pictures that
 * never saw a scanner (72 dpi, 1 px/cm) say nothing. */
double slide_plausible_mpp(double mpp);
/* Sets mpp to the mean of the pixel's sides where they are believable; where they differ by so much
 * that shapes and areas would be wrong, `oblong` instead. */
void slide_set_pixel(SlideInfo *info, SlidePixel pixel);
/* The pixel by the resolution tags of a TIFF: pixels for each unit of so many microns; 0 where one
 * is missing. */
#define SLIDE_MICRONS_PER_INCH 25400.0
#define SLIDE_MICRONS_PER_CENTIMETRE 10000.0
SlidePixel slide_tags_pixel(double columns_per_unit, double rows_per_unit, double unit_um);

/* The part of `region` that lies inside the level; false when there is none. */
bool slide_region_clip(const SlideLevel *level, const SlideRegion *region, SlideRegion *inside_out);
