/* SPDX-License-Identifier: Apache-2.0 */
/* See tile.h. */
#include "analysis/tile.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

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
    buffers->rgb = alloc_array(count, 3);
    buffers->mask = alloc_array(count, 1);
    measure_buffers_init(&buffers->measures, plan);
    buffers->nucleus = nucleus_work_create();
}

void tile_buffers_clear(TileBuffers *buffers)
{
    alloc_free(buffers->rgb);
    alloc_free(buffers->mask);
    measure_buffers_clear(&buffers->measures);
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

static void measure(const TileView *view)
{
    const TileContext *context = view->context;
    MeasureView measures = {.plan = context->plan,
                            .stain = context->stain,
                            .map = view->map,
                            .work = view->work,
                            .inside = inside_slide(view),
                            .rgb = view->buffers->rgb,
                            .white_level = context->white_level};
    measure_maps(&measures, &view->buffers->measures, context->maps);
}

/* Level 0 coordinates of a place on the work grid. */
static CellPoint to_slide(CellPoint point, double scale)
{
    return (CellPoint){(float)((double)point.x_px * scale), (float)((double)point.y_px * scale)};
}

/* Whether a centre belongs to the tile and lies on valid tissue. The network sees a little more
 * than the slide: what it finds beyond has no pixels. */
static bool keeps(const TileView *view, const Centre *centre)
{
    const AnalysisPlan *plan = view->context->plan;
    const ClassMap *quality = view->context->quality;
    GridRect slide = plan_slide_rect(plan);
    if (centre->x_px >= slide.width || centre->y_px >= slide.height) {
        return false;
    }
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
    collect_nuclei(&view, cells_out);
    measure(&view);
}
