/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slides: one reader for every image format. A slide has levels (level 0 is the finest) and gives
 * any tile or region of a level as RGB. The format is recognised by content, never by name.
 *
 * Label and macro images may name a patient: they are listed by kind and size, and no function
 * here reads their pixels. Properties come from a fixed list that names no patient.
 *
 * A Slide is used by one thread at a time; several threads open the file several times.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct Slide Slide;

typedef struct SlideLevel {
    int64_t width_px;
    int64_t height_px;
    double downsample; /* level 0 pixels for one pixel of this level */
    int32_t tile_width_px;
    int32_t tile_height_px;
} SlideLevel;

/* What the file says of the stains; most do not say. */
typedef enum SlideStaining {
    SLIDE_STAINING_UNKNOWN,
    SLIDE_STAINING_HE, /* haematoxylin and eosin, and no other */
    SLIDE_STAINING_OTHER,
} SlideStaining;

/* Another image in the file: "label", "macro", "thumbnail" or "other". */
typedef struct SlideAssociated {
    const char *kind;
    int64_t width_px;
    int64_t height_px;
} SlideAssociated;

/* "compression", "colours", "objective_power", "scanner", "organization"; printable ASCII. */
typedef struct SlideProperty {
    const char *name;
    char value[SLIDE_PROPERTY_BYTES];
} SlideProperty;

/* A pixel's sides in microns; 0: the file does not say. */
typedef struct SlidePixel {
    double width_um;
    double height_um;
} SlidePixel;

typedef struct SlideInfo {
    const char *format;     /* "svs", "tiff", "dicom", "png", "jpeg", or OpenSlide's vendor */
    const char *media_type; /* as an item's metadata names it, "image/tiff" */
    double mpp;             /* microns of one level 0 pixel; 0 when the file does not say */
    SlidePixel oblong;      /* its sides where they differ too much for one number, else 0 */
    bool pyramidal;         /* more than one level */
    SlideStaining staining;
    int level_count;
    SlideLevel levels[SLIDE_LEVELS_MAX];
    int associated_count;
    SlideAssociated associated[SLIDE_ASSOCIATED_MAX];
    int property_count;
    SlideProperty properties[SLIDE_PROPERTIES_MAX];
} SlideInfo;

/* A rectangle of one level, in that level's pixels; it may lie partly outside the image. */
typedef struct SlideRegion {
    int level;
    int64_t x_px;
    int64_t y_px;
    int32_t width_px;
    int32_t height_px;
} SlideRegion;

/* A file, or a folder with the files of one DICOM series. Fails with ERROR_NOT_FOUND when there is
 * none and with ERROR_INVALID when it is no readable slide. */
MUST_CHECK bool slide_open(const char *path, Slide **slide_out, Error *error);
void slide_close(Slide *slide);

/* Valid until slide_close. */
const SlideInfo *slide_info(const Slide *slide);

/* ERROR_INVALID with both sides where it has no mpp because its pixels are oblong. */
MUST_CHECK bool slide_check_square(const SlideInfo *info, Error *error);

/* Fills width * height RGB triples, rows without padding. What lies outside the image, or in a
 * tile that the scanner left out, is white. At most SLIDE_REGION_PX_MAX pixels. */
MUST_CHECK bool
slide_read_region(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error);

/* Fills tile_width_px * tile_height_px RGB triples with one tile, decoded anew; what lies outside
 * the image is white. For readers of whole levels: nothing is kept, nothing put together. */
MUST_CHECK bool slide_read_tile(
    Slide *slide, int level, int64_t column, int64_t row, uint8_t *rgb_out, Error *error);

static inline int64_t slide_tile_columns(const SlideLevel *level)
{
    return (level->width_px + level->tile_width_px - 1) / level->tile_width_px;
}

static inline int64_t slide_tile_rows(const SlideLevel *level)
{
    return (level->height_px + level->tile_height_px - 1) / level->tile_height_px;
}

static inline void cleanup_slide(Slide **slide)
{
    slide_close(*slide);
}
#define AUTO_SLIDE CLEANUP(cleanup_slide) Slide
