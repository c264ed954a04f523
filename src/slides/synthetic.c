/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renders a scene into a TIFF; see synthetic.h. Level 0 is rendered tile by tile, each smaller
 * level is averaged from the one before, read back from the same file.
 */
#include "slides/synthetic.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "slides/slide.h"
#include "slides/synthetic_scene.h"
#include "slides/tiff_handle.h"

enum {
    TILE_SIDE_PX = 256,
    JPEG_QUALITY = 90,
    NUCLEI_PER_TILE_MAX = 16384, /* a tile at 2 mpp covers 5200 sites */
    /* A pyramid ends when a level fits into one tile of this side. */
    LAST_LEVEL_SIDE_PX = 512,
    LIGHT_FULL = 255,
};

/* Coarser than this the nuclei of one tile would not fit. */
#define MPP_MAX 2.0
#define MPP_MIN 0.1
/* A classic TIFF ends at 4 GiB; noise makes JPEG tiles of about one byte a pixel. */
#define CLASSIC_TIFF_PIXELS_MAX 1000000000LL
/* The microscope's point spread at 20x. */
#define BLUR_UM 0.9
#define CHROMATIN_GRAIN_UM 1.3
/* The eosin of the cytoplasm that a nucleus does not hide. */
#define NUCLEUS_EOSIN 0.12

/* Unit optical density vectors of haematoxylin and eosin (Ruifrok and Johnston: Quantification of
 * histochemical staining by color deconvolution, 2001; the values of the H&E set). */
static const double HAEMATOXYLIN[3] = {0.644, 0.717, 0.267};
static const double EOSIN[3] = {0.093, 0.954, 0.283};

const SyntheticOptions SYNTHETIC_DEFAULTS = {4096, 4096, 0.5, 1, SYNTHETIC_JPEG};

static const char *const KIND_NAMES[] = {
    [NUCLEUS_TUMOUR] = "Carcinoma cell",
    [NUCLEUS_LYMPHOCYTE] = "Lymphocyte",
    [NUCLEUS_STROMAL] = "Fibroblast",
};

typedef struct Painter {
    const SyntheticOptions *options;
    Scene scene;
    SceneStain *stains;   /* of one tile */
    SceneNucleus *nuclei; /* that reach into the tile */
    int nucleus_count;
    uint8_t *rgb;
} Painter;

static void painter_clear(Painter *painter)
{
    alloc_free(painter->stains);
    alloc_free(painter->nuclei);
    alloc_free(painter->rgb);
}

static void gather_nuclei(Painter *painter, double x_um, double y_um, double side_um)
{
    painter->nucleus_count = 0;
    int64_t left = (int64_t)floor((x_um - SCENE_REACH_UM) / SCENE_SITE_UM);
    int64_t right = (int64_t)floor((x_um + side_um + SCENE_REACH_UM) / SCENE_SITE_UM);
    int64_t top = (int64_t)floor((y_um - SCENE_REACH_UM) / SCENE_SITE_UM);
    int64_t bottom = (int64_t)floor((y_um + side_um + SCENE_REACH_UM) / SCENE_SITE_UM);
    for (int64_t y = top; y <= bottom; y++) {
        for (int64_t x = left; x <= right && painter->nucleus_count < NUCLEI_PER_TILE_MAX; x++) {
            if (scene_nucleus(&painter->scene, x, y, &painter->nuclei[painter->nucleus_count])) {
                painter->nucleus_count++;
            }
        }
    }
}

static int clamp_px(double value)
{
    return value < 0 ? 0 : value > TILE_SIDE_PX ? TILE_SIDE_PX : (int)value;
}

static void paint_nucleus(Painter *painter, const SceneNucleus *nucleus, double x0_um, double y0_um)
{
    double mpp = painter->options->mpp;
    double reach = nucleus->major_um + BLUR_UM;
    int left = clamp_px((nucleus->x_um - reach - x0_um) / mpp);
    int right = clamp_px((nucleus->x_um + reach - x0_um) / mpp + 1);
    int top = clamp_px((nucleus->y_um - reach - y0_um) / mpp);
    int bottom = clamp_px((nucleus->y_um + reach - y0_um) / mpp + 1);
    for (int row = top; row < bottom; row++) {
        for (int column = left; column < right; column++) {
            double x = x0_um + (column + 0.5) * mpp;
            double y = y0_um + (row + 0.5) * mpp;
            double cover = nucleus_cover(nucleus, x, y, BLUR_UM);
            if (cover <= 0) {
                continue;
            }
            double grain = scene_noise(&painter->scene, 50, x, y, CHROMATIN_GRAIN_UM) - 0.5;
            double darkness = nucleus->darkness * (1 + nucleus->coarseness * grain);
            SceneStain *stain = &painter->stains[row * TILE_SIDE_PX + column];
            stain->haematoxylin += (float)(cover * (darkness - stain->haematoxylin));
            stain->eosin += (float)(cover * (NUCLEUS_EOSIN - stain->eosin));
        }
    }
}

static void stains_to_rgb(const SceneStain *stains, uint8_t *rgb_out)
{
    for (size_t i = 0; i < (size_t)TILE_SIDE_PX * TILE_SIDE_PX; i++) {
        for (size_t c = 0; c < 3; c++) {
            /* Stain densities are decadic, as scanners and pathologists count them. */
            double density = stains[i].haematoxylin * HAEMATOXYLIN[c] + stains[i].eosin * EOSIN[c];
            rgb_out[i * 3 + c] = (uint8_t)lround(LIGHT_FULL * exp(-density * M_LN10 * 0.75) * 0.97);
        }
    }
}

static void paint_tile(Painter *painter, int64_t tile_x, int64_t tile_y)
{
    double mpp = painter->options->mpp;
    double x0 = (double)(tile_x * TILE_SIDE_PX) * mpp;
    double y0 = (double)(tile_y * TILE_SIDE_PX) * mpp;
    for (int row = 0; row < TILE_SIDE_PX; row++) {
        for (int column = 0; column < TILE_SIDE_PX; column++) {
            painter->stains[row * TILE_SIDE_PX + column] = scene_background(
                &painter->scene, x0 + (column + 0.5) * mpp, y0 + (row + 0.5) * mpp);
        }
    }
    gather_nuclei(painter, x0, y0, TILE_SIDE_PX * mpp);
    for (int i = 0; i < painter->nucleus_count; i++) {
        paint_nucleus(painter, &painter->nuclei[i], x0, y0);
    }
    stains_to_rgb(painter->stains, painter->rgb);
}

static void
set_fields(TIFF *tiff, const SyntheticOptions *options, int64_t width, int64_t height, double mpp)
{
    bool jpeg = options->compression == SYNTHETIC_JPEG;
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)height);
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, (uint32_t)TILE_SIDE_PX);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, (uint32_t)TILE_SIDE_PX);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, jpeg ? COMPRESSION_JPEG : COMPRESSION_ADOBE_DEFLATE);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, jpeg ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB);
    TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, 10000.0 / mpp);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, 10000.0 / mpp);
    if (jpeg) {
        TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, JPEG_QUALITY);
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    } else {
        TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
    }
}

static bool write_tile(TiffHandle *handle, int64_t column, int64_t row, uint8_t *rgb, Error *error)
{
    uint32_t tile = TIFFComputeTile(handle->tiff, (uint32_t)(column * TILE_SIDE_PX),
                                    (uint32_t)(row * TILE_SIDE_PX), 0, 0);
    tmsize_t bytes = (tmsize_t)TILE_SIDE_PX * TILE_SIDE_PX * 3;
    return TIFFWriteEncodedTile(handle->tiff, tile, rgb, bytes) == bytes ||
           tiff_handle_error(handle, "The slide cannot be written", error);
}

static int64_t tiles_across(int64_t side_px)
{
    return (side_px + TILE_SIDE_PX - 1) / TILE_SIDE_PX;
}

static bool write_first_level(Painter *painter, const char *path, Error *error)
{
    const SyntheticOptions *options = painter->options;
    bool big = options->width_px > CLASSIC_TIFF_PIXELS_MAX / options->height_px;
    CLEANUP(tiff_handle_close) TiffHandle handle = {0};
    if (!tiff_handle_open(&handle, path, big ? "w8" : "w", error)) {
        return false;
    }
    set_fields(handle.tiff, options, options->width_px, options->height_px, options->mpp);
    for (int64_t row = 0; row < tiles_across(options->height_px); row++) {
        for (int64_t column = 0; column < tiles_across(options->width_px); column++) {
            paint_tile(painter, column, row);
            if (!write_tile(&handle, column, row, painter->rgb, error)) {
                return false;
            }
        }
    }
    return true;
}

/* Averages 2 x 2 pixels. */
static void halve(const uint8_t *source, uint8_t *target)
{
    const size_t stride = (size_t)TILE_SIDE_PX * 2 * 3;
    for (size_t y = 0; y < TILE_SIDE_PX; y++) {
        for (size_t x = 0; x < TILE_SIDE_PX; x++) {
            const uint8_t *corner = source + y * 2 * stride + x * 6;
            for (size_t c = 0; c < 3; c++) {
                int sum = corner[c] + corner[c + 3] + corner[c + stride] + corner[c + stride + 3];
                target[(y * TILE_SIDE_PX + x) * 3 + c] = (uint8_t)((sum + 2) / 4);
            }
        }
    }
}

static bool write_next_level(Painter *painter, const char *path, int level, Error *error)
{
    AUTO_SLIDE *finer = NULL;
    CLEANUP(tiff_handle_close) TiffHandle handle = {0};
    if (!slide_open(path, &finer, error) || !tiff_handle_open(&handle, path, "a", error)) {
        return false;
    }
    const SlideLevel *previous = &slide_info(finer)->levels[level - 1];
    int64_t width = previous->width_px / 2;
    int64_t height = previous->height_px / 2;
    set_fields(handle.tiff, painter->options, width, height, painter->options->mpp * (1 << level));
    TIFFSetField(handle.tiff, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    AUTO_FREE uint8_t *source = alloc_array((size_t)TILE_SIDE_PX * TILE_SIDE_PX * 4, 3);
    for (int64_t row = 0; row < tiles_across(height); row++) {
        for (int64_t column = 0; column < tiles_across(width); column++) {
            SlideRegion region = {level - 1, column * TILE_SIDE_PX * 2, row * TILE_SIDE_PX * 2,
                                  TILE_SIDE_PX * 2, TILE_SIDE_PX * 2};
            if (!slide_read_region(finer, &region, source, error)) {
                return false;
            }
            halve(source, painter->rgb);
            if (!write_tile(&handle, column, row, painter->rgb, error)) {
                return false;
            }
        }
    }
    return true;
}

static void write_truth_lines(const Painter *painter, FILE *file)
{
    const SyntheticOptions *options = painter->options;
    int64_t columns = (int64_t)(painter->scene.width_um / SCENE_SITE_UM) + 1;
    int64_t rows = (int64_t)(painter->scene.height_um / SCENE_SITE_UM) + 1;
    int64_t id = 0;
    fputs("id,x_px,y_px,major_radius_px,minor_radius_px,angle_rad,class\n", file);
    for (int64_t y = -1; y <= rows; y++) {
        for (int64_t x = -1; x <= columns; x++) {
            SceneNucleus nucleus;
            if (!scene_nucleus(&painter->scene, x, y, &nucleus)) {
                continue;
            }
            double x_px = nucleus.x_um / options->mpp;
            double y_px = nucleus.y_um / options->mpp;
            if (x_px >= 0 && y_px >= 0 && x_px < (double)options->width_px &&
                y_px < (double)options->height_px) {
                fprintf(file, "%lld,%.2f,%.2f,%.2f,%.2f,%.3f,%s\n", (long long)++id, x_px, y_px,
                        nucleus.major_um / options->mpp, nucleus.minor_um / options->mpp,
                        nucleus.angle_rad, KIND_NAMES[nucleus.kind]);
            }
        }
    }
}

static bool write_truth(const Painter *painter, const char *path, Error *error)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return error_set(error, ERROR_INVALID, "%s: %s", path, strerror(errno));
    }
    write_truth_lines(painter, file);
    bool failed = ferror(file) != 0;
    failed = fclose(file) != 0 || failed;
    return !failed || error_set(error, ERROR_UNAVAILABLE, "%s: %s", path, strerror(errno));
}

static bool options_check(const SyntheticOptions *options, Error *error)
{
    if (options->width_px < TILE_SIDE_PX || options->height_px < TILE_SIDE_PX ||
        options->width_px > SLIDE_SIDE_PX_MAX || options->height_px > SLIDE_SIDE_PX_MAX) {
        return error_set(error, ERROR_INVALID, "The sides of a slide may have %d to %d px",
                         TILE_SIDE_PX, SLIDE_SIDE_PX_MAX);
    }
    if (!(options->mpp >= MPP_MIN && options->mpp <= MPP_MAX)) {
        return error_set(error, ERROR_INVALID, "The resolution may be %g to %g microns per pixel",
                         MPP_MIN, MPP_MAX);
    }
    return true;
}

bool slide_synthesize(const SyntheticOptions *options,
                      const char *path,
                      const char *truth_csv_path,
                      Error *error)
{
    if (!options_check(options, error)) {
        return false;
    }
    CLEANUP(painter_clear)
    Painter painter = {
        .options = options,
        .scene = {options->seed, (double)options->width_px * options->mpp,
                  (double)options->height_px * options->mpp},
        .stains = alloc_array((size_t)TILE_SIDE_PX * TILE_SIDE_PX, sizeof(SceneStain)),
        .nuclei = alloc_array(NUCLEI_PER_TILE_MAX, sizeof(SceneNucleus)),
        .rgb = alloc_array((size_t)TILE_SIDE_PX * TILE_SIDE_PX, 3),
    };
    if (!write_first_level(&painter, path, error)) {
        return false;
    }
    int64_t longest =
        options->width_px > options->height_px ? options->width_px : options->height_px;
    for (int level = 1; level < SLIDE_LEVELS_MAX && (longest >> (level - 1)) > LAST_LEVEL_SIDE_PX;
         level++) {
        if (!write_next_level(&painter, path, level, error)) {
            return false;
        }
    }
    return truth_csv_path == NULL || write_truth(&painter, truth_csv_path, error);
}
