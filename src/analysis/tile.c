/* SPDX-License-Identifier: Apache-2.0 */
/* See tile.h. */
#include "analysis/tile.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* Radii of the two details whose ratio tells focus. */
#define FINE_UM 0.5
#define BROAD_UM 3.0
/* Red blood cells: much eosin, hardly any haematoxylin; in units of stain.h. */
#define BLOOD_EOSIN_MIN 450
#define BLOOD_HAEMATOXYLIN_MAX 120
/* A map pixel's stain is known when this part of it (1 / n) is neither nucleus nor empty. */
#define PLAIN_SHARE 8
/* Smoothed green is in 16ths of a level. */
#define GREEN_UNIT 16
/* What rounding to whole levels adds to fine detail. */
#define FINE_NOISE 6
/* What is added up for each map pixel. */
enum {
    SUM_COUNT,
    SUM_PLAIN,
    SUM_HAEMATOXYLIN,
    SUM_EOSIN,
    SUM_FINE,
    SUM_COARSE,
    SUM_WHITE,
    SUM_BLOOD,
    SUMS
};

typedef struct TileView {
    const TileContext *context;
    TileBuffers *buffers;
    const TileSource *source;
    GridRect map;
    GridRect work;
    RasterSize size; /* of the work rectangle */
} TileView;

void tile_buffers_init(TileBuffers *buffers, const AnalysisPlan *plan)
{
    RasterSize largest = {plan->tile_side_px, plan->tile_side_px};
    size_t count = raster_count(largest);
    size_t map_pixels = (size_t)plan->tile_map_px * (size_t)plan->tile_map_px;
    buffers->rgb = alloc_array(count, 3);
    buffers->mask = alloc_array(count, 1);
    buffers->haematoxylin = alloc_array(count, sizeof(uint16_t));
    buffers->eosin = alloc_array(count, sizeof(uint16_t));
    buffers->green = alloc_array(count, sizeof(uint16_t));
    buffers->details = alloc_array(count, sizeof(uint16_t));
    buffers->broad = alloc_array(count, sizeof(uint16_t));
    buffers->sums = alloc_array(map_pixels * SUMS, sizeof(uint32_t));
    raster_scratch_init(&buffers->scratch, largest);
    buffers->nucleus = nucleus_work_create();
}

void tile_buffers_clear(TileBuffers *buffers)
{
    alloc_free(buffers->rgb);
    alloc_free(buffers->mask);
    alloc_free(buffers->haematoxylin);
    alloc_free(buffers->eosin);
    alloc_free(buffers->green);
    alloc_free(buffers->details);
    alloc_free(buffers->broad);
    alloc_free(buffers->sums);
    raster_scratch_clear(&buffers->scratch);
    nucleus_work_destroy(buffers->nucleus);
    *buffers = (TileBuffers){.rgb = NULL};
}

bool tile_has_tissue(const TileContext *context, uint32_t tile)
{
    const ClassMap *quality = context->quality;
    GridRect map = plan_map_rect(context->plan, tile);
    for (int32_t y = 0; y < map.height; y++) {
        const uint8_t *row = quality->classes + (map.y + y) * quality->width_px + map.x;
        if (memchr(row, QUALITY_VALID_TISSUE, (size_t)map.width) != NULL) {
            return true;
        }
    }
    return false;
}

/* The part of the work rectangle that lies on the slide, relative to the rectangle. */
static GridRect inside_slide(const TileView *view)
{
    GridRect slide = plan_slide_rect(view->context->plan);
    int64_t left = view->work.x < 0 ? -view->work.x : 0;
    int64_t top = view->work.y < 0 ? -view->work.y : 0;
    int64_t right = slide.width - view->work.x;
    int64_t bottom = slide.height - view->work.y;
    right = right > view->work.width ? view->work.width : right;
    bottom = bottom > view->work.height ? view->work.height : bottom;
    right = right > left ? right : left + 1;
    bottom = bottom > top ? bottom : top + 1;
    return (GridRect){left, top, (int32_t)(right - left), (int32_t)(bottom - top)};
}

/* Takes the tile's part out of what was read. */
static void copy_pixels(const TileView *view)
{
    GridRect inside = inside_slide(view);
    const GridRect *from = &view->source->centres->rect;
    for (int64_t y = inside.y; y < inside.y + inside.height; y++) {
        int64_t row = view->work.y + y - from->y;
        int64_t column = view->work.x + inside.x - from->x;
        memcpy(view->buffers->rgb + (size_t)(y * view->size.width + inside.x) * 3,
               view->source->rgb + (size_t)(row * from->width + column) * 3,
               (size_t)inside.width * 3);
    }
}

/* Continues the outermost pixels beyond the slide, so that its edge looks like no edge. */
static void continue_edges(const TileView *view)
{
    GridRect inside = inside_slide(view);
    uint8_t *rgb = view->buffers->rgb;
    size_t row_bytes = (size_t)view->size.width * 3;
    for (int64_t y = inside.y; y < inside.y + inside.height; y++) {
        uint8_t *row = rgb + (size_t)y * row_bytes;
        for (int64_t x = 0; x < inside.x; x++) {
            memcpy(row + x * 3, row + inside.x * 3, 3);
        }
        for (int64_t x = inside.x + inside.width; x < view->size.width; x++) {
            memcpy(row + x * 3, row + (inside.x + inside.width - 1) * 3, 3);
        }
    }
    for (int64_t y = 0; y < inside.y; y++) {
        memcpy(rgb + (size_t)y * row_bytes, rgb + (size_t)inside.y * row_bytes, row_bytes);
    }
    const uint8_t *last = rgb + (size_t)(inside.y + inside.height - 1) * row_bytes;
    for (int64_t y = inside.y + inside.height; y < view->size.height; y++) {
        memcpy(rgb + (size_t)y * row_bytes, last, row_bytes);
    }
}

static void separate(const TileView *view)
{
    const StainTable *stain = view->context->stain;
    const uint8_t *rgb = view->buffers->rgb;
    TileBuffers *buffers = view->buffers;
    size_t count = raster_count(view->size);
    for (size_t i = 0; i < count; i++, rgb += 3) {
        buffers->haematoxylin[i] = stain_haematoxylin(stain, rgb);
        buffers->eosin[i] = stain_eosin(stain, rgb);
        buffers->green[i] = (uint16_t)(rgb[1] * GREEN_UNIT);
    }
}

/* Two smoothed copies of green, whose differences are the fine and the coarse detail. */
static void smooth_green(const TileView *view)
{
    TileBuffers *buffers = view->buffers;
    double mpp = view->context->plan->work.mpp;
    /* Interpolated pixels hold no detail of their own. */
    double finest_px = fmax(1, round(1 / view->context->plan->work.ratio));
    int32_t fine = (int32_t)fmax(finest_px, round(FINE_UM / mpp));
    int32_t broad = (int32_t)fmax(2, round(BROAD_UM / mpp));
    raster_box_mean(buffers->green, buffers->details, view->size, fine, &buffers->scratch);
    raster_box_mean(buffers->details, buffers->broad, view->size, broad, &buffers->scratch);
}

static uint32_t difference(uint16_t a, uint16_t b)
{
    return a > b ? (uint32_t)(a - b) : (uint32_t)(b - a);
}

static void add_work_pixel(const TileView *view, size_t pixel, uint32_t *sums)
{
    const TileBuffers *buffers = view->buffers;
    uint16_t haematoxylin = buffers->haematoxylin[pixel];
    uint16_t eosin = buffers->eosin[pixel];
    uint8_t green = buffers->rgb[pixel * 3 + 1];
    bool white = green >= view->context->white_level;
    sums[SUM_COUNT]++;
    uint32_t fine = difference((uint16_t)(green * GREEN_UNIT), buffers->details[pixel]);
    sums[SUM_FINE] += fine > FINE_NOISE ? fine - FINE_NOISE : 0;
    sums[SUM_COARSE] += difference(buffers->details[pixel], buffers->broad[pixel]);
    sums[SUM_WHITE] += white ? 1U : 0U;
    sums[SUM_BLOOD] += eosin >= BLOOD_EOSIN_MIN && haematoxylin <= BLOOD_HAEMATOXYLIN_MAX ? 1U : 0U;
    if (!white && buffers->mask[pixel] == 0) {
        sums[SUM_PLAIN]++;
        sums[SUM_HAEMATOXYLIN] += haematoxylin;
        sums[SUM_EOSIN] += eosin;
    }
}

static void add_up(const TileView *view)
{
    const AnalysisPlan *plan = view->context->plan;
    const GridRect *map = &view->map;
    memset(view->buffers->sums, 0,
           (size_t)map->width * (size_t)map->height * SUMS * sizeof(uint32_t));
    GridRect inside = inside_slide(view);
    for (int64_t y = inside.y; y < inside.y + inside.height; y++) {
        int64_t row = plan_map_index(plan, view->work.y + y) - map->y;
        if (row < 0 || row >= map->height) {
            continue;
        }
        for (int64_t x = inside.x; x < inside.x + inside.width; x++) {
            int64_t column = plan_map_index(plan, view->work.x + x) - map->x;
            if (column >= 0 && column < map->width) {
                size_t pixel = (size_t)y * (size_t)view->size.width + (size_t)x;
                add_work_pixel(view, pixel,
                               view->buffers->sums + (row * map->width + column) * SUMS);
            }
        }
    }
}

static uint8_t share_of(uint32_t sum, uint32_t count, uint32_t unit)
{
    uint64_t value = ((uint64_t)sum * unit + count / 2) / count;
    return (uint8_t)(value > 255 ? 255 : value);
}

static void store_maps(const TileView *view)
{
    SlideMaps *maps = view->context->maps;
    const uint32_t *sums = view->buffers->sums;
    for (int32_t y = 0; y < view->map.height; y++) {
        size_t at = (size_t)(view->map.y + y) * (size_t)maps->size.width + (size_t)view->map.x;
        for (int32_t x = 0; x < view->map.width; x++, at++, sums += SUMS) {
            uint32_t count = sums[SUM_COUNT];
            if (count == 0) {
                continue;
            }
            uint32_t thousandths = sums[SUM_PLAIN] * (STAIN_UNIT / MAP_DENSITY_UNIT);
            if (sums[SUM_PLAIN] * PLAIN_SHARE >= count) {
                maps->haematoxylin[at] = share_of(sums[SUM_HAEMATOXYLIN], thousandths, 1);
                maps->eosin[at] = share_of(sums[SUM_EOSIN], thousandths, 1);
                maps->plain[at] = 1;
            }
            maps->fine[at] = share_of(sums[SUM_FINE], count * 2, 1);
            maps->coarse[at] = share_of(sums[SUM_COARSE], count * 2, 1);
            maps->white[at] = share_of(sums[SUM_WHITE], count, 255);
            maps->blood[at] = share_of(sums[SUM_BLOOD], count, 255);
        }
    }
}

/* Level 0 coordinates of a place on the work grid. */
static CellPoint to_slide(CellPoint point, double scale)
{
    return (CellPoint){(float)((double)point.x_px * scale), (float)((double)point.y_px * scale)};
}

/* Whether a centre belongs to the tile and lies on valid tissue. */
static bool keeps(const TileView *view, const Centre *centre)
{
    const AnalysisPlan *plan = view->context->plan;
    const ClassMap *quality = view->context->quality;
    int64_t x = (int64_t)((double)centre->x_px * plan->work.scale / plan->map.scale);
    int64_t y = (int64_t)((double)centre->y_px * plan->work.scale / plan->map.scale);
    return x >= view->map.x && x < view->map.x + view->map.width && y >= view->map.y &&
           y < view->map.y + view->map.height &&
           quality->classes[y * quality->width_px + x] == QUALITY_VALID_TISSUE;
}

static void keep_nucleus(const TileView *view, const NucleiTile *tile, TileCells *cells_out)
{
    Nucleus nucleus;
    nucleus_measure(tile, view->buffers->nucleus, &nucleus);
    double scale = view->context->plan->work.scale;
    nucleus.cell.centroid = to_slide(nucleus.cell.centroid, scale);
    for (uint32_t i = 0; i < nucleus.cell.point_count; i++) {
        nucleus.points[i] = to_slide(nucleus.points[i], scale);
    }
    tile_cells_add(cells_out, &nucleus);
}

/* Whether all pixels that a nucleus may have lie in the work rectangle. */
static bool surrounded(const TileView *view, const Centre *centre)
{
    const GridRect *work = &view->work;
    const int32_t around = NUCLEUS_RADIUS_PX_MAX;
    return centre->x_px >= work->x + around && centre->y_px >= work->y + around &&
           centre->x_px <= work->x + work->width - around &&
           centre->y_px <= work->y + work->height - around;
}

/* Marks all nuclei that reach into the tile, and keeps its own. */
static void collect_nuclei(const TileView *view, TileCells *cells_out)
{
    const Centres *centres = view->source->centres;
    TileBuffers *buffers = view->buffers;
    NucleiTile tile = {.rect = view->work,
                       .rgb = buffers->rgb,
                       .inside = plan_slide_rect(view->context->plan),
                       .mpp = view->context->plan->work.mpp,
                       .stain = view->context->stain,
                       .centres = centres};
    memset(buffers->mask, 0, raster_count(view->size));
    for (uint32_t i = 0; i < centres->count; i++) {
        if (!surrounded(view, &centres->items[i])) {
            continue;
        }
        nucleus_find(&tile, i, buffers->nucleus, buffers->mask);
        if (keeps(view, &centres->items[i])) {
            keep_nucleus(view, &tile, cells_out);
        }
    }
}

void tile_analyze(const TileContext *context,
                  TileBuffers *buffers,
                  const TileSource *source,
                  TileCells *cells_out)
{
    TileView view = {.context = context, .buffers = buffers, .source = source};
    view.map = plan_map_rect(context->plan, source->tile);
    view.work = plan_work_rect(context->plan, source->tile);
    view.size = (RasterSize){view.work.width, view.work.height};
    copy_pixels(&view);
    continue_edges(&view);
    separate(&view);
    smooth_green(&view);
    collect_nuclei(&view, cells_out);
    add_up(&view);
    store_maps(&view);
}
