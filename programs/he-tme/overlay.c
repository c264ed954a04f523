/* SPDX-License-Identifier: Apache-2.0 */
/* Draws over a slide; see overlay.h. */
#include "overlay.h"

#include <math.h>
#include <png.h>
#include <string.h>

#include "base/alloc.h"

enum {
    PICTURE_SIDE_PX_MAX = 4096,
    THUMBNAIL_SIDE_PX_MAX = 1024,
    BLOCK_SIDE_PX = 2048,
    CHANNELS = 3
};

/* How much of a colour is laid over the slide: inside an area, and on its border. */
static const double TINT = 0.18;
static const double BORDER_TINT = 0.85;
/* Places that are not fit to be looked at are striped: their colours resemble those of tissue. */
static const double STRIPE_TINT = 0.6;
enum { STRIPE_PX = 8, STRIPE_PERIOD_PX = 32 };

typedef struct Picture {
    int32_t width_px;
    int32_t height_px;
    OverlayRegion region;
    double scale; /* level 0 pixels for one pixel of the picture, 1 or more */
    uint8_t *rgb;
} Picture;

static void cleanup_picture(Picture *picture)
{
    alloc_free(picture->rgb);
}

static uint8_t *pixel_at(const Picture *picture, int32_t x, int32_t y)
{
    return picture->rgb + ((size_t)y * (size_t)picture->width_px + (size_t)x) * CHANNELS;
}

static int64_t longest_side(const OverlayRegion *region)
{
    return region->width_px > region->height_px ? region->width_px : region->height_px;
}

/* The coarsest level that is still as fine as the picture. */
static int choose_level(const SlideInfo *info, double scale)
{
    int chosen = 0;
    for (int i = 1; i < info->level_count; i++) {
        double downsample = info->levels[i].downsample;
        if (downsample <= scale && downsample > info->levels[chosen].downsample) {
            chosen = i;
        }
    }
    return chosen;
}

/* A part of the picture, and the part of a level that it shows. */
typedef struct Block {
    int32_t x, y, width, height;
    double step; /* pixels of the level for one of the picture */
    SlideRegion source;
} Block;

static void
copy_block(const Picture *picture, const Block *block, double source_y, const uint8_t *rgb)
{
    double source_x = (double)picture->region.x_px / picture->scale;
    for (int32_t y = 0; y < block->height; y++) {
        int64_t from_y = (int64_t)((source_y + block->y + y) * block->step) - block->source.y_px;
        for (int32_t x = 0; x < block->width; x++) {
            int64_t from_x =
                (int64_t)((source_x + block->x + x) * block->step) - block->source.x_px;
            memcpy(pixel_at(picture, block->x + x, block->y + y),
                   rgb + (from_y * block->source.width_px + from_x) * CHANNELS, CHANNELS);
        }
    }
}

static bool read_slide(Slide *slide, const Picture *picture, Error *error)
{
    int level = choose_level(slide_info(slide), picture->scale);
    double step = picture->scale / slide_info(slide)->levels[level].downsample;
    int32_t side = (int32_t)fmax(1, floor((BLOCK_SIDE_PX - 2) / step));
    double source_x = (double)picture->region.x_px / picture->scale;
    double source_y = (double)picture->region.y_px / picture->scale;
    int32_t source_side = (int32_t)ceil(side * step) + 2;
    AUTO_FREE uint8_t *rgb = alloc_array((size_t)source_side * (size_t)source_side, CHANNELS);
    for (int32_t y = 0; y < picture->height_px; y += side) {
        for (int32_t x = 0; x < picture->width_px; x += side) {
            Block block = {
                .x = x,
                .y = y,
                .width = x + side < picture->width_px ? side : picture->width_px - x,
                .height = y + side < picture->height_px ? side : picture->height_px - y,
                .step = step,
                .source = {level, (int64_t)((source_x + x) * step),
                           (int64_t)((source_y + y) * step), source_side, source_side},
            };
            if (!slide_read_region(slide, &block.source, rgb, error)) {
                return false;
            }
            copy_block(picture, &block, source_y, rgb);
        }
    }
    return true;
}

static uint8_t class_at(const ClassMap *map, double x_px, double y_px)
{
    int32_t x = (int32_t)(x_px / map->scale);
    int32_t y = (int32_t)(y_px / map->scale);
    bool inside = x >= 0 && y >= 0 && x < map->width_px && y < map->height_px;
    return inside ? map->classes[(size_t)y * (size_t)map->width_px + (size_t)x] : 0;
}

/* The class whose colour a place gets: its tissue, or why it has none. Without info: glass. */
typedef struct Shown {
    const ClassInfo *info;
    bool striped;
} Shown;

static Shown shown_at(const AnalysisResult *result, double x_px, double y_px)
{
    uint8_t tissue = class_at(&result->tissue, x_px, y_px);
    if (tissue != TISSUE_NONE) {
        return (Shown){&TISSUE_CLASSES[tissue], false};
    }
    uint8_t quality = class_at(&result->quality, x_px, y_px);
    bool told =
        quality != QUALITY_NONE && quality != QUALITY_NO_TISSUE && quality != QUALITY_VALID_TISSUE;
    return (Shown){told ? &QUALITY_CLASSES[quality] : NULL, told};
}

static double tint_of(const Shown *shown, bool border, int32_t x, int32_t y)
{
    if (border) {
        return BORDER_TINT;
    }
    return shown->striped && (x + y) % STRIPE_PERIOD_PX < STRIPE_PX ? STRIPE_TINT : TINT;
}

static void blend(uint8_t *pixel, const uint8_t color[3], double share)
{
    for (int channel = 0; channel < CHANNELS; channel++) {
        pixel[channel] = (uint8_t)lround((1 - share) * pixel[channel] + share * color[channel]);
    }
}

static void draw_maps(const Picture *picture, const AnalysisResult *result)
{
    for (int32_t y = 0; y < picture->height_px; y++) {
        double y_px = (double)picture->region.y_px + y * picture->scale;
        for (int32_t x = 0; x < picture->width_px; x++) {
            double x_px = (double)picture->region.x_px + x * picture->scale;
            Shown here = shown_at(result, x_px, y_px);
            Shown right = shown_at(result, x_px + picture->scale, y_px);
            Shown below = shown_at(result, x_px, y_px + picture->scale);
            Shown shown = here.info != NULL ? here : right.info != NULL ? right : below;
            bool border = here.info != right.info || here.info != below.info;
            if (shown.info != NULL) {
                blend(pixel_at(picture, x, y), shown.info->color, tint_of(&shown, border, x, y));
            }
        }
    }
}

/* Pixel by pixel along the longer side; what lies outside is left out. */
static void draw_line(const Picture *picture, CellPoint from, CellPoint to, const uint8_t *color)
{
    double x = ((double)from.x_px - (double)picture->region.x_px) / picture->scale;
    double y = ((double)from.y_px - (double)picture->region.y_px) / picture->scale;
    double across = ((double)to.x_px - (double)from.x_px) / picture->scale;
    double down = ((double)to.y_px - (double)from.y_px) / picture->scale;
    int steps = (int)fmax(1, ceil(fmax(fabs(across), fabs(down))));
    for (int i = 0; i <= steps; i++) {
        int32_t at_x = (int32_t)floor(x + across * i / steps);
        int32_t at_y = (int32_t)floor(y + down * i / steps);
        if (at_x >= 0 && at_y >= 0 && at_x < picture->width_px && at_y < picture->height_px) {
            memcpy(pixel_at(picture, at_x, at_y), color, CHANNELS);
        }
    }
}

static void draw_cells(const Picture *picture, const CellList *cells)
{
    for (uint32_t i = 0; i < cells->count; i++) {
        cell_list_rest(cells, i);
        const Cell *cell = &cells->cells[i];
        const CellPoint *points = &cells->points[cell->first_point];
        for (uint32_t k = 0; k < cell->point_count; k++) {
            draw_line(picture, points[k], points[(k + 1) % cell->point_count],
                      CELL_CLASSES[cell->cell_class].color);
        }
    }
}

static bool write_png(const Picture *picture, bool fast, const char *path, Error *error)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = (png_uint_32)picture->width_px,
        .height = (png_uint_32)picture->height_px,
        .format = PNG_FORMAT_RGB,
        .flags = fast ? PNG_IMAGE_FLAG_FAST : 0,
    };
    if (png_image_write_to_file(&image, path, 0, picture->rgb, 0, NULL) == 0) {
        return error_set(error, ERROR_INTERNAL, "cannot write '%s': %s", path, image.message);
    }
    return true;
}

/* A picture of the region without anything drawn on it, of at most so many pixels a side. */
static bool picture_take(
    Slide *slide, const OverlayRegion *region, int side_px_max, Picture *picture_out, Error *error)
{
    double scale = fmax(1, (double)longest_side(region) / side_px_max);
    CLEANUP(cleanup_picture)
    Picture picture = {
        .width_px = (int32_t)fmax(1, floor((double)region->width_px / scale)),
        .height_px = (int32_t)fmax(1, floor((double)region->height_px / scale)),
        .region = *region,
        .scale = scale,
    };
    picture.rgb = alloc_array((size_t)picture.width_px * (size_t)picture.height_px, CHANNELS);
    if (!read_slide(slide, &picture, error)) {
        return false;
    }
    *picture_out = picture;
    picture.rgb = NULL;
    return true;
}

bool overlay_write(Slide *slide,
                   const AnalysisResult *result,
                   const OverlayRegion *region,
                   const char *path,
                   Error *error)
{
    CLEANUP(cleanup_picture) Picture picture = {.rgb = NULL};
    if (!picture_take(slide, region, PICTURE_SIDE_PX_MAX, &picture, error)) {
        return false;
    }
    draw_maps(&picture, result);
    draw_cells(&picture, &result->cells);
    return write_png(&picture, false, path, error);
}

bool thumbnail_write(Slide *slide, const char *path, Error *error)
{
    const SlideLevel *level = &slide_info(slide)->levels[0];
    OverlayRegion all = {0, 0, level->width_px, level->height_px};
    CLEANUP(cleanup_picture) Picture picture = {.rgb = NULL};
    return picture_take(slide, &all, THUMBNAIL_SIDE_PX_MAX, &picture, error) &&
           write_png(&picture, true, path, error);
}
