/* SPDX-License-Identifier: Apache-2.0 */
/* See tile.h. */
#include "analysis/tile.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* A nucleus may be kept so far outside its tile's border: the neighbour may see its centroid
 * elsewhere by less than this. */
#define KEEP_BEYOND_UM 1.5
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
    GridRect map;
    GridRect work;
    RasterSize size; /* of the work rectangle */
} TileView;

bool tile_buffers_open(TileBuffers *buffers,
                       const AnalysisPlan *plan,
                       const char *slide_path,
                       Error *error)
{
    *buffers = (TileBuffers){.rgb = NULL};
    if (!grid_reader_open(&buffers->reader, slide_path, error)) {
        return false;
    }
    RasterSize largest = {plan->tile_side_px, plan->tile_side_px};
    size_t map_pixels = (size_t)plan->tile_map_px * (size_t)plan->tile_map_px;
    buffers->rgb = alloc_array(raster_count(largest), 3);
    buffers->details = alloc_array(raster_count(largest), sizeof(uint16_t));
    buffers->broad = alloc_array(raster_count(largest), sizeof(uint16_t));
    buffers->sums = alloc_array(map_pixels * SUMS, sizeof(uint32_t));
    nuclei_buffers_init(&buffers->nuclei, largest);
    return true;
}

void tile_buffers_close(TileBuffers *buffers)
{
    grid_reader_close(&buffers->reader);
    alloc_free(buffers->rgb);
    alloc_free(buffers->details);
    alloc_free(buffers->broad);
    alloc_free(buffers->sums);
    nuclei_buffers_clear(&buffers->nuclei);
    *buffers = (TileBuffers){.rgb = NULL};
}

static bool has_tissue(const TileContext *context, const GridRect *map)
{
    const ClassMap *quality = context->quality;
    for (int32_t y = 0; y < map->height; y++) {
        const uint8_t *row = quality->classes + (map->y + y) * quality->width_px + map->x;
        if (memchr(row, QUALITY_VALID_TISSUE, (size_t)map->width) != NULL) {
            return true;
        }
    }
    return false;
}

/* The part of the work rectangle that lies on the slide, relative to the rectangle. */
static GridRect inside_slide(const TileView *view)
{
    const AnalysisPlan *plan = view->context->plan;
    int64_t columns = (int64_t)floor((double)plan->width_px / plan->work.scale);
    int64_t rows = (int64_t)floor((double)plan->height_px / plan->work.scale);
    int64_t left = view->work.x < 0 ? -view->work.x : 0;
    int64_t top = view->work.y < 0 ? -view->work.y : 0;
    int64_t right = columns - view->work.x;
    int64_t bottom = rows - view->work.y;
    right = right > view->work.width ? view->work.width : right;
    bottom = bottom > view->work.height ? view->work.height : bottom;
    right = right > left ? right : left + 1;
    bottom = bottom > top ? bottom : top + 1;
    return (GridRect){left, top, (int32_t)(right - left), (int32_t)(bottom - top)};
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
    NucleiBuffers *nuclei = &view->buffers->nuclei;
    size_t count = raster_count(view->size);
    for (size_t i = 0; i < count; i++, rgb += 3) {
        nuclei->haematoxylin[i] = stain_haematoxylin(stain, rgb);
        nuclei->eosin[i] = stain_eosin(stain, rgb);
        nuclei->heights[i] = (uint16_t)(rgb[1] * GREEN_UNIT);
    }
}

/* Two smoothed copies of green, whose differences are the fine and the coarse detail. */
static void smooth_green(const TileView *view)
{
    NucleiBuffers *nuclei = &view->buffers->nuclei;
    double mpp = view->context->plan->work.mpp;
    /* Interpolated pixels hold no detail of their own. */
    double finest_px = fmax(1, round(1 / view->context->plan->work.ratio));
    int32_t fine = (int32_t)fmax(finest_px, round(FINE_UM / mpp));
    int32_t broad = (int32_t)fmax(2, round(BROAD_UM / mpp));
    raster_box_mean(nuclei->heights, view->buffers->details, view->size, fine, &nuclei->scratch);
    raster_box_mean(view->buffers->details, view->buffers->broad, view->size, broad,
                    &nuclei->scratch);
}

static uint32_t difference(uint16_t a, uint16_t b)
{
    return a > b ? (uint32_t)(a - b) : (uint32_t)(b - a);
}

static void add_work_pixel(const TileView *view, size_t pixel, uint32_t *sums)
{
    const TileBuffers *buffers = view->buffers;
    uint16_t haematoxylin = buffers->nuclei.haematoxylin[pixel];
    uint16_t eosin = buffers->nuclei.eosin[pixel];
    uint8_t green = buffers->rgb[pixel * 3 + 1];
    bool white = green >= view->context->white_level;
    sums[SUM_COUNT]++;
    uint32_t fine = difference((uint16_t)(green * GREEN_UNIT), buffers->details[pixel]);
    sums[SUM_FINE] += fine > FINE_NOISE ? fine - FINE_NOISE : 0;
    sums[SUM_COARSE] += difference(buffers->details[pixel], buffers->broad[pixel]);
    sums[SUM_WHITE] += white ? 1U : 0U;
    sums[SUM_BLOOD] += eosin >= BLOOD_EOSIN_MIN && haematoxylin <= BLOOD_HAEMATOXYLIN_MAX ? 1U : 0U;
    if (!white && buffers->nuclei.mask[pixel] == 0) {
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

/* Level 0 coordinates of a place in the tile's work rectangle. */
static CellPoint to_slide(const TileView *view, CellPoint point)
{
    double scale = view->context->plan->work.scale;
    return (CellPoint){(float)(((double)view->work.x + point.x_px) * scale),
                       (float)(((double)view->work.y + point.y_px) * scale)};
}

/* The tile keeps what lies inside its border or just beyond, on valid tissue. */
static bool keeps(const TileView *view, CellPoint centroid)
{
    const AnalysisPlan *plan = view->context->plan;
    const ClassMap *quality = view->context->quality;
    double beyond_px = KEEP_BEYOND_UM / plan->mpp;
    double left = (double)view->map.x * plan->map.scale;
    double top = (double)view->map.y * plan->map.scale;
    double right = (double)(view->map.x + view->map.width) * plan->map.scale;
    double bottom = (double)(view->map.y + view->map.height) * plan->map.scale;
    if (centroid.x_px < left - beyond_px || centroid.x_px >= right + beyond_px ||
        centroid.y_px < top - beyond_px || centroid.y_px >= bottom + beyond_px ||
        centroid.x_px < 0 || centroid.y_px < 0 || centroid.x_px >= (float)plan->width_px ||
        centroid.y_px >= (float)plan->height_px) {
        return false;
    }
    int32_t x = (int32_t)(centroid.x_px / plan->map.scale);
    int32_t y = (int32_t)(centroid.y_px / plan->map.scale);
    return quality->classes[(size_t)y * (size_t)quality->width_px + (size_t)x] ==
           QUALITY_VALID_TISSUE;
}

static void collect_nuclei(const TileView *view, const NucleiTile *tile, TileCells *cells_out)
{
    Nucleus nucleus;
    size_t at = 0;
    while (nuclei_next(tile, &view->buffers->nuclei, &at, &nucleus)) {
        nucleus.cell.centroid = to_slide(view, nucleus.cell.centroid);
        if (!keeps(view, nucleus.cell.centroid)) {
            continue;
        }
        for (uint32_t i = 0; i < nucleus.cell.point_count; i++) {
            nucleus.points[i] = to_slide(view, nucleus.points[i]);
        }
        tile_cells_add(cells_out, &nucleus);
    }
    tile_cells_sort(cells_out);
}

bool tile_analyze(const TileContext *context,
                  TileBuffers *buffers,
                  uint32_t tile,
                  TileCells *cells_out,
                  Error *error)
{
    TileView view = {.context = context, .buffers = buffers};
    view.map = plan_map_rect(context->plan, tile);
    view.work = plan_work_rect(context->plan, tile);
    view.size = (RasterSize){view.work.width, view.work.height};
    if (!has_tissue(context, &view.map)) {
        return true;
    }
    if (!grid_read(&buffers->reader, &context->plan->work, &view.work, buffers->rgb, error)) {
        return false;
    }
    continue_edges(&view);
    separate(&view);
    smooth_green(&view);
    NucleiTile nuclei = {view.size, context->plan->work.mpp, context->slide_threshold,
                         &NUCLEI_TUNING, inside_slide(&view)};
    nuclei_segment(&nuclei, &buffers->nuclei);
    add_up(&view);
    store_maps(&view);
    collect_nuclei(&view, &nuclei, cells_out);
    return true;
}
