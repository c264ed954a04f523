/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renders a scene into a TIFF; see synthetic.h. Level 0 is rendered tile by tile, each smaller
 * level is averaged from the one before, read back from the same file.
 */
#include "slides/synthetic.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "slides/slide.h"
#include "slides/synthetic_artifacts.h"
#include "slides/synthetic_truth.h"
#include "slides/tiff_handle.h"

enum {
    TILE_SIDE_PX = 256,
    JPEG_QUALITY = 90,
    NUCLEI_PER_TILE_MAX = 16384, /* a tile at 2 mpp covers 5200 sites */
    /* A pyramid ends when a level fits into one tile of this side. */
    LAST_LEVEL_SIDE_PX = 512,
    LIGHT_FULL = 255,
    /* Three standard deviations of the blur at MPP_MIN. */
    BLUR_MARGIN_PX_MAX = 54,
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
/* What shows on glass, at most. */
#define GLASS_EOSIN 0.03F

/* Unit optical density vectors of haematoxylin and eosin (Ruifrok and Johnston: Quantification of
 * histochemical staining by color deconvolution, 2001; the values of the H&E set). */
static const double HAEMATOXYLIN[3] = {0.644, 0.717, 0.267};
static const double EOSIN[3] = {0.093, 0.954, 0.283};

const SyntheticOptions SYNTHETIC_DEFAULTS = {4096, 4096, 0.5, 1, SYNTHETIC_JPEG, false};

/* The part of the slide that is painted at once: a tile, and a margin where it is blurred. */
typedef struct Canvas {
    int64_t x_px; /* on level 0 */
    int64_t y_px;
    int side_px;
    int margin_px;
} Canvas;

typedef struct Painter {
    const SyntheticOptions *options;
    Scene scene;
    int margin_px;        /* what a blur needs around a tile */
    SceneStain *stains;   /* of a canvas */
    SceneStain *upper;    /* what lies on it in a fold */
    SceneNucleus *nuclei; /* that reach into the canvas */
    int nucleus_count;
    uint8_t *rgb; /* of the canvas, then of the tile */
    float *rows;  /* of the canvas, blurred along its rows */
} Painter;

static void painter_init(Painter *painter, const SyntheticOptions *options)
{
    *painter = (Painter){
        .options = options,
        .scene = {options->seed, (double)options->width_px * options->mpp,
                  (double)options->height_px * options->mpp},
        .margin_px = options->artifacts ? (int)ceil(3 * ARTIFACT_BLUR_UM / options->mpp) : 0,
    };
    size_t side = (size_t)TILE_SIDE_PX + 2 * (size_t)painter->margin_px;
    painter->stains = alloc_array(side * side, sizeof(SceneStain));
    painter->upper = alloc_array(side * side, sizeof(SceneStain));
    painter->nuclei = alloc_array(NUCLEI_PER_TILE_MAX, sizeof(SceneNucleus));
    painter->rgb = alloc_array(side * side, 3);
    painter->rows = alloc_array(side * side, 3 * sizeof(float));
}

static void painter_clear(Painter *painter)
{
    alloc_free(painter->stains);
    alloc_free(painter->upper);
    alloc_free(painter->nuclei);
    alloc_free(painter->rgb);
    alloc_free(painter->rows);
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

static int clamp_px(double value, int side_px)
{
    return value < 0 ? 0 : value > side_px ? side_px : (int)value;
}

/* `x0_um` and `y0_um` are the canvas' corner. */
static void paint_nucleus(
    Painter *painter, const SceneNucleus *nucleus, int side_px, double x0_um, double y0_um)
{
    double mpp = painter->options->mpp;
    double reach = nucleus->major_um + BLUR_UM;
    int left = clamp_px((nucleus->x_um - reach - x0_um) / mpp, side_px);
    int right = clamp_px((nucleus->x_um + reach - x0_um) / mpp + 1, side_px);
    int top = clamp_px((nucleus->y_um - reach - y0_um) / mpp, side_px);
    int bottom = clamp_px((nucleus->y_um + reach - y0_um) / mpp + 1, side_px);
    for (int row = top; row < bottom; row++) {
        for (int column = left; column < right; column++) {
            double x = x0_um + (column + 0.5) * mpp;
            double y = y0_um + (row + 0.5) * mpp;
            double cover = nucleus_cover(nucleus, x, y, BLUR_UM);
            if (cover <= 0) {
                continue;
            }
            double grain =
                scene_noise(&painter->scene, FIELD_CHROMATIN, x, y, CHROMATIN_GRAIN_UM) - 0.5;
            double darkness = nucleus->darkness * (1 + nucleus->coarseness * grain);
            SceneStain *stain = &painter->stains[row * side_px + column];
            stain->haematoxylin += (float)(cover * (darkness - stain->haematoxylin));
            stain->eosin += (float)(cover * (NUCLEUS_EOSIN - stain->eosin));
        }
    }
}

/* One layer of tissue, from a place shifted by so much. */
static void paint_layer(Painter *painter, const Canvas *canvas, double shift_x, double shift_y)
{
    double mpp = painter->options->mpp;
    double x0 = (double)canvas->x_px * mpp + shift_x;
    double y0 = (double)canvas->y_px * mpp + shift_y;
    int side = canvas->side_px;
    for (int row = 0; row < side; row++) {
        for (int column = 0; column < side; column++) {
            painter->stains[row * side + column] = scene_background(
                &painter->scene, x0 + (column + 0.5) * mpp, y0 + (row + 0.5) * mpp);
        }
    }
    gather_nuclei(painter, x0, y0, side * mpp);
    for (int i = 0; i < painter->nucleus_count; i++) {
        paint_nucleus(painter, &painter->nuclei[i], side, x0, y0);
    }
}

typedef double (*ArtifactShare)(const Scene *scene, double x_um, double y_um);

static double share_at(const Painter *painter, const Canvas *canvas, int i, ArtifactShare share)
{
    double mpp = painter->options->mpp;
    int64_t x_px = canvas->x_px + i % canvas->side_px;
    int64_t y_px = canvas->y_px + i / canvas->side_px;
    return share(&painter->scene, ((double)x_px + 0.5) * mpp, ((double)y_px + 0.5) * mpp);
}

static bool touches(const Painter *painter, const Canvas *canvas, ArtifactShare share)
{
    for (int i = 0; painter->options->artifacts && i < canvas->side_px * canvas->side_px; i++) {
        if (share_at(painter, canvas, i, share) > 0) {
            return true;
        }
    }
    return false;
}

static void paint_fold(Painter *painter, const Canvas *canvas)
{
    paint_layer(painter, canvas, ARTIFACT_FOLD_SHIFT_X_UM, ARTIFACT_FOLD_SHIFT_Y_UM);
    SceneStain *lower = painter->upper;
    painter->upper = painter->stains;
    painter->stains = lower;
    paint_layer(painter, canvas, 0, 0);
    for (int i = 0; i < canvas->side_px * canvas->side_px; i++) {
        float share = (float)share_at(painter, canvas, i, artifact_fold);
        painter->stains[i].haematoxylin += share * painter->upper[i].haematoxylin;
        painter->stains[i].eosin += share * fmaxf(0, painter->upper[i].eosin - GLASS_EOSIN);
    }
}

static void stains_to_rgb(Painter *painter, const Canvas *canvas)
{
    bool inked = touches(painter, canvas, artifact_pen);
    const double *ink = artifact_ink(&painter->scene);
    for (int i = 0; i < canvas->side_px * canvas->side_px; i++) {
        const SceneStain *stain = &painter->stains[i];
        double share = inked ? share_at(painter, canvas, i, artifact_pen) : 0;
        for (int c = 0; c < 3; c++) {
            /* Stain densities are decadic, as scanners and pathologists count them. */
            double density = stain->haematoxylin * HAEMATOXYLIN[c] + stain->eosin * EOSIN[c];
            double light = exp(-(density * 0.75 + share * ink[c]) * M_LN10);
            painter->rgb[(size_t)i * 3 + (size_t)c] = (uint8_t)lround(LIGHT_FULL * light * 0.97);
        }
    }
}

/* Weights of a Gaussian; returns their count, which is odd. */
static int gaussian_taps(double sigma_px, int radius, float *taps_out)
{
    double sum = 0;
    for (int i = -radius; i <= radius; i++) {
        sum += exp(-0.5 * (i / sigma_px) * (i / sigma_px));
    }
    for (int i = -radius; i <= radius; i++) {
        taps_out[i + radius] = (float)(exp(-0.5 * (i / sigma_px) * (i / sigma_px)) / sum);
    }
    return 2 * radius + 1;
}

static void blur_rows(Painter *painter, const Canvas *canvas, const float *taps, int tap_count)
{
    int width = TILE_SIDE_PX * 3;
    for (int row = 0; row < canvas->side_px; row++) {
        const uint8_t *from = painter->rgb + (size_t)row * (size_t)canvas->side_px * 3;
        float *to = painter->rows + (size_t)row * (size_t)width;
        for (int i = 0; i < width; i++) {
            float sum = 0;
            for (int t = 0; t < tap_count; t++) {
                sum += taps[t] * from[i + t * 3];
            }
            to[i] = sum;
        }
    }
}

/* Leaves the blurred tile in the place of the canvas. */
static void blur_canvas(Painter *painter, const Canvas *canvas)
{
    float taps[2 * BLUR_MARGIN_PX_MAX + 1] = {0};
    int margin = canvas->margin_px;
    int tap_count = gaussian_taps(ARTIFACT_BLUR_UM / painter->options->mpp, margin, taps);
    blur_rows(painter, canvas, taps, tap_count);
    for (int i = 0; i < TILE_SIDE_PX * TILE_SIDE_PX; i++) {
        int at = (i / TILE_SIDE_PX + margin) * canvas->side_px + i % TILE_SIDE_PX + margin;
        double share = share_at(painter, canvas, at, artifact_blur);
        for (int c = 0; c < 3; c++) {
            float sum = 0;
            for (int t = 0; t < tap_count; t++) {
                sum += taps[t] * painter->rows[(i + t * TILE_SIDE_PX) * 3 + c];
            }
            double sharp = painter->rgb[at * 3 + c];
            /* The tile's pixel lies before every one of the canvas that is still to be read. */
            painter->rgb[i * 3 + c] = (uint8_t)lround(sharp + share * (sum - sharp));
        }
    }
}

static void paint_tile(Painter *painter, int64_t tile_x, int64_t tile_y)
{
    Canvas canvas = {tile_x * TILE_SIDE_PX, tile_y * TILE_SIDE_PX, TILE_SIDE_PX, 0};
    bool blurred = touches(painter, &canvas, artifact_blur);
    if (blurred) {
        canvas.margin_px = painter->margin_px;
        canvas.x_px -= canvas.margin_px;
        canvas.y_px -= canvas.margin_px;
        canvas.side_px += 2 * canvas.margin_px;
    }
    if (touches(painter, &canvas, artifact_fold)) {
        paint_fold(painter, &canvas);
    } else {
        paint_layer(painter, &canvas, 0, 0);
    }
    stains_to_rgb(painter, &canvas);
    if (blurred) {
        blur_canvas(painter, &canvas);
    }
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
                      const SyntheticTruth *truth,
                      Error *error)
{
    if (!options_check(options, error)) {
        return false;
    }
    CLEANUP(painter_clear) Painter painter;
    painter_init(&painter, options);
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
    return truth == NULL || synthetic_truth_write(options, &painter.scene, truth, error);
}
