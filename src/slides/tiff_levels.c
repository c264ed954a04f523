/* SPDX-License-Identifier: Apache-2.0 */
/* See tiff_levels.h. */
#include "slides/tiff_levels.h"

#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "slides/slide_reader.h"

/* Resolution tags count pixels per inch or centimetre. */
#define MICRONS_PER_INCH 25400.0
#define MICRONS_PER_CENTIMETRE 10000.0
/* An objective of 20x gives about 0.5 microns per pixel, on every scanner. */
#define MPP_TIMES_MAGNIFICATION 10.0
/* A level's sides are rounded, and some writers cut them to whole tiles of the level before. */
#define LEVEL_ASPECT_TOLERANCE 0.02

static double description_number(const char *description, const char *key)
{
    const char *at = strstr(description, key);
    if (at == NULL) {
        return 0;
    }
    at += strlen(key);
    at += strspn(at, " =");
    double value = 0;
    Text text = {at, strcspn(at, "|\r\n ")};
    return parse_double(text, &value) && value > 0 ? value : 0;
}

double aperio_mpp(const char *description)
{
    double mpp = description_number(description, "|MPP =");
    if (mpp > 0) {
        return mpp;
    }
    double magnification = description_number(description, "|AppMag =");
    return magnification > 0 ? MPP_TIMES_MAGNIFICATION / magnification : 0;
}

static double tags_mpp(TIFF *tiff)
{
    float x = 0;
    float y = 0;
    uint16_t unit = RESUNIT_INCH;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
    if (TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x) == 0 ||
        TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y) == 0 || !(x > 0) || !(y > 0)) {
        return 0;
    }
    double microns = unit == RESUNIT_CENTIMETER ? MICRONS_PER_CENTIMETRE : MICRONS_PER_INCH;
    return unit == RESUNIT_NONE ? 0 : (microns / x + microns / y) / 2;
}

static bool is_aperio(const char *description)
{
    return description != NULL && strncmp(description, "Aperio", strlen("Aperio")) == 0;
}

static bool compression_is_read(uint16_t compression)
{
    switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_LZW:
    case COMPRESSION_JPEG:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_ZSTD:
        return TIFFIsCODECConfigured(compression) != 0;
    default:
        return false;
    }
}

/* How the tiles of the current directory are stored; ERROR_UNAVAILABLE when not our way. */
static bool read_storage(TIFF *tiff, TiffLevel *level, Error *error)
{
    uint16_t bits = 0;
    uint16_t planar = 0;
    uint16_t photometric = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &level->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &level->compression);
    (void)TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    level->stored_as_rgb = photometric == PHOTOMETRIC_RGB;
    bool jpeg = level->compression == COMPRESSION_JPEG;
    bool colours = photometric == PHOTOMETRIC_RGB || (jpeg && photometric == PHOTOMETRIC_YCBCR);
    bool samples = level->samples == 3 || (level->samples == 4 && !jpeg);
    if (bits != 8 || planar != PLANARCONFIG_CONTIG || !colours || !samples ||
        !compression_is_read(level->compression)) {
        return error_set(error, ERROR_UNAVAILABLE,
                         "The TIFF is not an 8 bit RGB image in a compression that can be read");
    }
    return true;
}

static bool read_sizes(TIFF *tiff, SlideLevel *level)
{
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t tile_width = 0;
    uint32_t tile_height = 0;
    if (TIFFIsTiled(tiff) == 0 || TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) == 0 ||
        TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height) == 0 ||
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width) == 0 ||
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height) == 0 || tile_width == 0 ||
        tile_height == 0 || tile_width > SLIDE_TILE_SIDE_PX_MAX ||
        tile_height > SLIDE_TILE_SIDE_PX_MAX || width == 0 || height == 0) {
        return false;
    }
    *level = (SlideLevel){width, height, 0, (int32_t)tile_width, (int32_t)tile_height};
    return true;
}

/* A smaller copy of level 0 has its shape; a label or macro that is tiled has not. */
static bool is_smaller_copy(const SlideInfo *info, const SlideLevel *candidate, TIFF *tiff)
{
    uint32_t kind = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &kind);
    if ((kind & ~(uint32_t)FILETYPE_REDUCEDIMAGE) != 0) {
        return false;
    }
    const SlideLevel *first = &info->levels[0];
    const SlideLevel *previous = &info->levels[info->level_count - 1];
    double horizontal = (double)first->width_px / (double)candidate->width_px;
    double vertical = (double)first->height_px / (double)candidate->height_px;
    double rounding = 1.0 / (double)candidate->width_px + 1.0 / (double)candidate->height_px;
    return candidate->width_px < previous->width_px && candidate->height_px < previous->height_px &&
           fabs(horizontal / vertical - 1) < LEVEL_ASPECT_TOLERANCE + rounding;
}

static bool find_first(TiffHandle *handle, SlideInfo *info, TiffLevel *level_out, Error *error)
{
    TIFF *tiff = handle->tiff;
    if (!read_sizes(tiff, &info->levels[0])) {
        return error_set(error, ERROR_UNAVAILABLE,
                         "The TIFF is not tiled, or has tiles larger than %d px",
                         SLIDE_TILE_SIDE_PX_MAX);
    }
    char *description = NULL;
    if (TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &description) == 0) {
        description = NULL;
    }
    info->format = is_aperio(description) ? "svs" : "tiff";
    info->mpp = is_aperio(description) ? slide_plausible_mpp(aperio_mpp(description)) : 0;
    if (info->mpp <= 0) {
        info->mpp = tags_mpp(tiff);
    }
    info->level_count = 1;
    level_out->directory = 0;
    return read_storage(tiff, level_out, error);
}

bool tiff_levels_find(TiffHandle *handle,
                      SlideInfo *info,
                      TiffLevel levels_out[SLIDE_LEVELS_MAX],
                      Error *error)
{
    if (!find_first(handle, info, &levels_out[0], error)) {
        return false;
    }
    for (tdir_t directory = 1; directory < SLIDE_DIRECTORIES_MAX; directory++) {
        if (info->level_count == SLIDE_LEVELS_MAX || TIFFReadDirectory(handle->tiff) == 0) {
            break;
        }
        SlideLevel candidate;
        if (!read_sizes(handle->tiff, &candidate) ||
            !is_smaller_copy(info, &candidate, handle->tiff)) {
            continue;
        }
        TiffLevel *level = &levels_out[info->level_count];
        if (!read_storage(handle->tiff, level, error)) {
            return false;
        }
        level->directory = directory;
        info->levels[info->level_count++] = candidate;
    }
    return true;
}
