/* SPDX-License-Identifier: Apache-2.0 */
/* See tiff_levels.h. */
#include "slides/tiff_levels.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "slides/slide_reader.h"

/* An objective of 20x gives about 0.5 microns per pixel, on every scanner. */
#define MPP_TIMES_MAGNIFICATION 10.0

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

/* Microns per pixel from an Aperio ImageDescription ("…|AppMag = 20|MPP = 0.4990"); 0 if it does
 * not say. */
static double aperio_mpp(const char *description)
{
    double mpp = description_number(description, "|MPP =");
    if (mpp > 0) {
        return mpp;
    }
    double magnification = description_number(description, "|AppMag =");
    return magnification > 0 ? MPP_TIMES_MAGNIFICATION / magnification : 0;
}

/* ImageJ, and QuPath through it, name a unit that TIFF has no number for; 0: none of microns. */
static double imagej_unit_um(const char *description)
{
    static const char *const MICRONS[] = {"\nunit=micron\n", "\nunit=um\n", "\nunit=\\u00B5m\n"};
    if (description == NULL || strncmp(description, "ImageJ=", strlen("ImageJ=")) != 0) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(MICRONS); i++) {
        if (strstr(description, MICRONS[i]) != NULL) {
            return 1;
        }
    }
    return 0;
}

/* Microns of the unit that the resolution tags count in; 0: not told. */
static double resolution_unit_um(TIFF *tiff, const char *description)
{
    uint16_t unit = RESUNIT_INCH;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
    if (unit == RESUNIT_NONE) {
        return imagej_unit_um(description);
    }
    return unit == RESUNIT_CENTIMETER ? SLIDE_MICRONS_PER_CENTIMETRE : SLIDE_MICRONS_PER_INCH;
}

static SlidePixel tags_pixel(TIFF *tiff, const char *description)
{
    float x = 0;
    float y = 0;
    double unit_um = resolution_unit_um(tiff, description);
    if (unit_um <= 0 || TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x) == 0 ||
        TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y) == 0) {
        return (SlidePixel){0, 0};
    }
    return slide_tags_pixel(x, y, unit_um);
}

static bool is_aperio(const char *description)
{
    return description != NULL && strncmp(description, "Aperio", strlen("Aperio")) == 0;
}

/* Aperio's numbers for JPEG 2000: 33003 is YCbCr, 33005 RGB, whatever the photometric tag says. */
enum { COMPRESSION_APERIO_YCBCR = 33003, COMPRESSION_APERIO_RGB = 33005 };

typedef struct Compression {
    const char *name;
    TiffDecoder decoder;
    uint16_t tag;
} Compression;

static const Compression COMPRESSIONS[] = {
    {"JPEG", TIFF_JPEG, COMPRESSION_JPEG},
    {"JPEG 2000", TIFF_JPEG2000, COMPRESSION_APERIO_YCBCR},
    {"JPEG 2000", TIFF_JPEG2000, COMPRESSION_APERIO_RGB},
    {"JPEG 2000", TIFF_JPEG2000, COMPRESSION_JP2000},
    {"none", TIFF_OTHER, COMPRESSION_NONE},
    {"LZW", TIFF_OTHER, COMPRESSION_LZW},
    {"deflate", TIFF_OTHER, COMPRESSION_ADOBE_DEFLATE},
    {"deflate", TIFF_OTHER, COMPRESSION_DEFLATE},
    {"PackBits", TIFF_OTHER, COMPRESSION_PACKBITS},
    {"Zstandard", TIFF_OTHER, COMPRESSION_ZSTD},
};

/* NULL: not read here. */
static const Compression *find_compression(uint16_t tag)
{
    for (size_t i = 0; i < ARRAY_COUNT(COMPRESSIONS); i++) {
        const Compression *compression = &COMPRESSIONS[i];
        if (compression->tag == tag &&
            (compression->decoder != TIFF_OTHER || TIFFIsCODECConfigured(tag) != 0)) {
            return compression;
        }
    }
    return NULL;
}

static bool has_rgb_samples(TIFF *tiff, uint16_t *samples_out, Error *error)
{
    uint16_t bits = 0;
    uint16_t samples = 0;
    uint16_t photometric = PHOTOMETRIC_MINISWHITE;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    (void)TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    *samples_out = samples;
    bool colours = photometric == PHOTOMETRIC_RGB || photometric == PHOTOMETRIC_YCBCR;
    if (bits == 8 && (samples == 3 || samples == 4) && colours) {
        return true;
    }
    return error_set(error, ERROR_INVALID,
                     "The image has %d samples of %d bits a pixel%s, but 3 of 8 bits, RGB or "
                     "YCbCr, are needed",
                     samples, bits, colours ? "" : " in other colours");
}

/* How the tiles of the current directory are stored; ERROR_UNAVAILABLE when not our way. */
static bool
read_storage(TIFF *tiff, TiffLevel *level, const Compression **compression_out, Error *error)
{
    uint16_t planar = 0;
    uint16_t photometric = 0;
    uint16_t tag = COMPRESSION_NONE;
    if (!has_rgb_samples(tiff, &level->samples, error)) {
        return false;
    }
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &tag);
    (void)TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    const Compression *compression = find_compression(tag);
    if (compression == NULL) {
        return error_set(error, ERROR_UNAVAILABLE,
                         "The TIFF's compression, number %d, cannot be read", tag);
    }
    bool rgb = photometric == PHOTOMETRIC_RGB;
    bool other = compression->decoder == TIFF_OTHER;
    if (planar != PLANARCONFIG_CONTIG || (other && !rgb) || (!other && level->samples != 3)) {
        return error_set(error, ERROR_UNAVAILABLE,
                         "The TIFF's samples are arranged in a way that cannot be read");
    }
    level->decoder = compression->decoder;
    level->stored_as_rgb = tag == COMPRESSION_APERIO_YCBCR ? false
                           : tag == COMPRESSION_APERIO_RGB ? true
                                                           : rgb;
    *compression_out = compression;
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

/* The page's description, NULL when it has none; valid while its directory is loaded. */
static const char *description_of(TIFF *tiff)
{
    char *description = NULL;
    if (TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &description) == 0) {
        return NULL;
    }
    return description;
}

/* The second line begins with the name: Aperio's way to tell a label and a macro. */
static bool second_line_is(const char *description, const char *name)
{
    size_t first = strcspn(description, "\n");
    return description[first] == '\n' && strncmp(description + first + 1, name, strlen(name)) == 0;
}

/* Aperio names its label and its macro in the second line; others by the kind of the page. */
static void list_associated(TIFF *tiff, SlideInfo *info, tdir_t directory)
{
    static const uint32_t APERIO_MACRO = 9;
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t page_kind = 0;
    (void)TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    (void)TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &page_kind);
    const char *description = description_of(tiff);
    const char *kind = "other";
    if (is_aperio(description)) {
        bool label = second_line_is(description, "label");
        bool macro = second_line_is(description, "macro");
        kind = label || page_kind == FILETYPE_REDUCEDIMAGE ? "label" : kind;
        kind = macro || page_kind == APERIO_MACRO ? "macro" : kind;
        kind = strcmp(kind, "other") == 0 && directory == 1 ? "thumbnail" : kind;
    }
    slide_add_associated(info, kind, width, height);
}

static bool is_coarser_level(TIFF *tiff, const SlideInfo *info, const SlideLevel *candidate)
{
    uint32_t kind = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &kind);
    return (kind & ~(uint32_t)FILETYPE_REDUCEDIMAGE) == 0 && slide_is_coarser_copy(info, candidate);
}

bool tiff_level_describe(TIFF *tiff, SlideInfo *info, TiffLevel *level_out, Error *error)
{
    const char *description = description_of(tiff);
    info->format = is_aperio(description) ? "svs" : "tiff";
    info->mpp = is_aperio(description) ? slide_plausible_mpp(aperio_mpp(description)) : 0;
    if (info->mpp <= 0) {
        slide_set_pixel(info, tags_pixel(tiff, description));
    }
    const Compression *compression = NULL;
    if (!read_storage(tiff, level_out, &compression, error)) {
        return false;
    }
    slide_add_property(info, "compression", text_of(compression->name));
    slide_add_property(info, "colours", level_out->stored_as_rgb ? TEXT("RGB") : TEXT("YCbCr"));
    double power = is_aperio(description) ? description_number(description, "|AppMag =") : 0;
    if (power > 0) {
        char text[SLIDE_PROPERTY_BYTES];
        int length = snprintf(text, sizeof text, "%g", power);
        slide_add_property(info, "objective_power", (Text){text, (size_t)length});
    }
    return true;
}

static bool find_first(TiffHandle *handle, SlideInfo *info, TiffLevel *level_out, Error *error)
{
    if (!read_sizes(handle->tiff, &info->levels[0])) {
        return error_set(error, ERROR_UNAVAILABLE,
                         "The TIFF is empty, or has tiles larger than %d px",
                         SLIDE_TILE_SIDE_PX_MAX);
    }
    info->level_count = 1;
    level_out->directory = 0;
    return tiff_level_describe(handle->tiff, info, level_out, error);
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
            !is_coarser_level(handle->tiff, info, &candidate)) {
            list_associated(handle->tiff, info, directory);
            continue;
        }
        TiffLevel *level = &levels_out[info->level_count];
        const Compression *compression = NULL;
        if (!read_storage(handle->tiff, level, &compression, error)) {
            return false;
        }
        level->directory = directory;
        info->levels[info->level_count++] = candidate;
    }
    return true;
}
