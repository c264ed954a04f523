/* SPDX-License-Identifier: Apache-2.0 */
/* See tissue.h. */
#include "analysis/tissue.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "analysis/map_strips.h"
#include "analysis/parallel.h"
#include "base/alloc.h"

/* Radius of the window that decides a place, a box applied twice. */
#define WINDOW_UM 10.0
/* Epithelium: where nuclei of its kind cover more than this times what the others cover. The weight
 * and the window are those that part the annotated tumour and stromal cells of BRCA-M2C best. */
#define OTHERS_WEIGHT 0.8
/* Nuclei must cover this share of the window. */
#define EPITHELIAL_COVER_MIN 0.03
/* Carcinoma: the mean area of the epithelial nuclei, which nine of ten tiles of BRCA-M2C exceed,
 * all of them carcinomas. What is smaller is called epithelium; that this is not carcinoma has not
 * been measured. */
#define CARCINOMA_AREA_UM2_MIN 34.0
/* Necrosis: stained like tissue, with more haematoxylin (the dust of nuclei) in its mean colour
 * than collagen has, but hardly any nuclei. In thousandths, in the mean of a window. */
#define NECROSIS_COVER_MAX 0.02
#define NECROSIS_HAEMATOXYLIN_MIN 120
#define NECROSIS_EOSIN_MIN 200
#define NECROSIS_UM2_MIN 20000.0
#define NECROSIS_HOLE_UM2_MAX 1000.0
#define BLOOD_SHARE_MIN 0.55
#define BLOOD_UM2_MIN 1500.0
/* Empty places inside the tissue. */
#define LUMEN_WHITE_MIN 0.6
#define LUMEN_UM2_MIN 400.0
#define LUMEN_UM2_MAX 12000.0
/* Share of empty places where tissue is fat or loose, no stroma: near by, and in a window that is
 * wider than a vessel. */
#define OTHER_WHITE_MIN 0.5
#define OTHER_NEAR_UM 20.0
#define OTHER_WIDE_WHITE_MIN 0.4
#define OTHER_WIDE_UM 60.0
/* Sums of nuclear area are kept in so many parts of a map pixel. */
#define COVER_UNIT 4096.0
/* The windows of empty places and of blood. */
enum { LUMEN_RADIUS_PX = 1, BLOOD_RADIUS_PX = 2 };

typedef struct TissueWork {
    const TissueScene *scene;
    ClassMap *tissue;
    RasterSize size;
    size_t count;
    uint8_t *mask;
    uint8_t *necrosis; /* a mask too */
    MapStrips strips;
} TissueWork;

/* What the planes of a strip hold while cells are looked at. */
enum {
    PLANE_EPITHELIAL, /* share of the window covered by epithelial nuclei, COVER_UNIT */
    PLANE_OTHERS,     /* by inflammatory and stromal ones */
    PLANE_LARGE,      /* the epithelial share, weighted by nuclear area over 256 um2 */
    PLANE_WINDOW      /* of the colours */
};

static int32_t radius_px(const ClassMap *map, double um)
{
    return (int32_t)fmax(1, round(um / map->mpp));
}

/* Of a window, a box applied twice. */
static int32_t smooth_radius(const ClassMap *map)
{
    int32_t radius = (int32_t)lround(WINDOW_UM / map->mpp);
    return radius < 1 ? 1 : radius;
}

static void work_init(TissueWork *work, const TissueScene *scene, ClassMap *tissue)
{
    work->scene = scene;
    work->tissue = tissue;
    work->size = scene->maps->size;
    work->count = raster_count(work->size);
    work->mask = alloc_array(work->count, 1);
    work->necrosis = alloc_array(work->count, 1);
    int32_t smooth = 2 * smooth_radius(tissue);
    int32_t wide = radius_px(tissue, OTHER_WIDE_UM);
    map_strips_init(&work->strips, scene->maps, smooth > wide ? smooth : wide, scene->thread_count);
}

static void work_clear(TissueWork *work)
{
    alloc_free(work->mask);
    alloc_free(work->necrosis);
    map_strips_clear(&work->strips);
}
#define AUTO_TISSUE_WORK CLEANUP(work_clear) TissueWork

/* The map pixel of a place on the slide, which lies inside. */
static size_t map_index(const ClassMap *map, CellPoint point)
{
    int32_t x = (int32_t)(point.x_px / map->scale);
    int32_t y = (int32_t)(point.y_px / map->scale);
    x = x < 0 ? 0 : x >= map->width_px ? map->width_px - 1 : x;
    y = y < 0 ? 0 : y >= map->height_px ? map->height_px - 1 : y;
    return (size_t)y * (size_t)map->width_px + (size_t)x;
}

static void add_share(uint16_t *value, double share)
{
    double sum = *value + share * COVER_UNIT;
    *value = (uint16_t)(sum > UINT16_MAX ? UINT16_MAX : sum);
}

static void smooth(const TissueWork *work, const MapStrip *strip, uint16_t *plane)
{
    int32_t radius = smooth_radius(work->tissue);
    strip_mean(strip, plane, radius);
    strip_mean(strip, plane, radius);
}

/* The first cell of a row of the map or of one below it. */
static uint32_t first_cell(const TissueScene *scene, int32_t row)
{
    uint32_t low = 0;
    uint32_t high = scene->cells->count;
    size_t width = (size_t)scene->quality->width_px;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        size_t at = map_index(scene->quality, scene->cells->cells[middle].centroid);
        if (at / width < (size_t)row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void add_cell(const TissueScene *scene, const MapStrip *strip, uint32_t index, size_t at)
{
    const Cell *cell = &scene->cells->cells[index];
    double share = cell->area_um2 / (scene->quality->mpp * scene->quality->mpp);
    double epithelial = scene->kinds[index].share[KIND_EPITHELIAL] * share;
    add_share(&strip->planes[PLANE_EPITHELIAL][at], epithelial);
    add_share(&strip->planes[PLANE_OTHERS][at], share - epithelial);
    add_share(&strip->planes[PLANE_LARGE][at], epithelial * fmin(1, cell->area_um2 / 256));
}

/* Fills the three planes of cells, of those in valid tissue. */
static void spread_cells(const TissueWork *work, const MapStrip *strip)
{
    const TissueScene *scene = work->scene;
    const uint8_t *quality = scene->quality->classes + strip->offset;
    uint32_t end = first_cell(scene, strip->top + strip->size.height);
    for (int p = PLANE_EPITHELIAL; p <= PLANE_LARGE; p++) {
        memset(strip->planes[p], 0, strip->seen * sizeof *strip->planes[p]);
    }
    for (uint32_t i = first_cell(scene, strip->top); i < end; i++) {
        size_t at = map_index(scene->quality, scene->cells->cells[i].centroid) - strip->offset;
        if (quality[at] == QUALITY_VALID_TISSUE) {
            add_cell(scene, strip, i, at);
        }
        cell_list_rest(scene->cells, i);
    }
    for (int p = PLANE_EPITHELIAL; p <= PLANE_LARGE; p++) {
        smooth(work, strip, strip->planes[p]);
    }
}

/* The mean over a window of what the places of valid tissue have; others count as nothing, since
 * they may not have been measured. `values` NULL: the share of valid tissue. */
static void window_of(const TissueWork *work,
                      const MapStrip *strip,
                      const uint8_t *values,
                      int32_t radius,
                      uint16_t *plane)
{
    const uint8_t *quality = work->scene->quality->classes + strip->offset;
    for (size_t i = 0; i < strip->seen; i++) {
        bool valid = quality[i] == QUALITY_VALID_TISSUE;
        uint32_t value = values == NULL ? UINT16_MAX : values[strip->offset + i] * 64U;
        plane[i] = valid ? (uint16_t)value : 0;
    }
    strip_mean(strip, plane, radius);
}

static uint32_t area_px(const ClassMap *map, double um2)
{
    double pixels = um2 / (map->mpp * map->mpp);
    return pixels < 2 ? 2 : (uint32_t)pixels;
}

static TissueClass epithelium_or_stroma(const MapStrip *strip, size_t i)
{
    double epithelial = strip->planes[PLANE_EPITHELIAL][i] / COVER_UNIT;
    double others = strip->planes[PLANE_OTHERS][i] / COVER_UNIT;
    if (epithelial < OTHERS_WEIGHT * others || epithelial + others < EPITHELIAL_COVER_MIN) {
        return TISSUE_STROMA;
    }
    if (strip->planes[PLANE_EPITHELIAL][i] == 0) {
        return TISSUE_EPITHELIAL;
    }
    double mean_area_um2 =
        256.0 * strip->planes[PLANE_LARGE][i] / strip->planes[PLANE_EPITHELIAL][i];
    return mean_area_um2 >= CARCINOMA_AREA_UM2_MIN ? TISSUE_CARCINOMA : TISSUE_EPITHELIAL;
}

/* Stained like tissue, but hardly any nuclei. */
static bool necrotic(const TissueWork *work, const MapStrip *strip, size_t i)
{
    const uint8_t *rgb = work->scene->maps->rgb + (strip->offset + i) * 3;
    int cover = strip->planes[PLANE_EPITHELIAL][i] + strip->planes[PLANE_OTHERS][i];
    return cover / COVER_UNIT <= NECROSIS_COVER_MAX &&
           strip->planes[PLANE_WINDOW][i] >= NECROSIS_HAEMATOXYLIN_MIN &&
           stain_eosin(work->scene->stain, rgb) >= NECROSIS_EOSIN_MIN;
}

/* Epithelium and stroma by their cells, and what may be necrosis. */
static void judge_cells(void *context, const MapStrip *strip)
{
    const TissueWork *work = context;
    const TissueScene *scene = work->scene;
    spread_cells(work, strip);
    for (size_t i = 0; i < strip->seen; i++) {
        const uint8_t *rgb = scene->maps->rgb + (strip->offset + i) * 3;
        strip->planes[PLANE_WINDOW][i] = stain_haematoxylin(scene->stain, rgb);
    }
    smooth(work, strip, strip->planes[PLANE_WINDOW]);
    const uint8_t *quality = scene->quality->classes + strip->offset;
    uint8_t *tissue = work->tissue->classes + strip->offset;
    uint8_t *necrosis = work->necrosis + strip->offset;
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        bool valid = quality[i] == QUALITY_VALID_TISSUE;
        tissue[i] = (uint8_t)(valid ? epithelium_or_stroma(strip, i) : TISSUE_NONE);
        necrosis[i] = necrotic(work, strip, i);
    }
}

static void put_mask(const TissueWork *work, const uint8_t *mask, TissueClass class)
{
    uint8_t *tissue = work->tissue->classes;
    for (size_t i = 0; i < work->count; i++) {
        if (mask[i] != 0 && tissue[i] != TISSUE_NONE) {
            tissue[i] = (uint8_t) class;
        }
    }
}

/* The share of empty places in a window's valid tissue, in 255ths. `other` is overwritten. */
static void white_share(
    const TissueWork *work, const MapStrip *strip, int32_t radius, uint16_t *plane, uint16_t *other)
{
    window_of(work, strip, NULL, radius, other);
    window_of(work, strip, work->scene->maps->white, radius, plane);
    for (size_t i = 0; i < strip->seen; i++) {
        double valid = other[i] / (double)UINT16_MAX;
        plane[i] = valid > 0 ? (uint16_t)fmin(255, plane[i] / (64 * valid)) : 0;
    }
}

/* Stroma that is mostly empty is fat or loose. */
static void judge_loose(void *context, const MapStrip *strip)
{
    const TissueWork *work = context;
    uint16_t *wide = strip->planes[0];
    uint16_t *near = strip->planes[1];
    white_share(work, strip, radius_px(work->tissue, OTHER_WIDE_UM), wide, strip->planes[2]);
    white_share(work, strip, radius_px(work->tissue, OTHER_NEAR_UM), near, strip->planes[2]);
    uint8_t *tissue = work->tissue->classes + strip->offset;
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        if (tissue[i] == TISSUE_STROMA && wide[i] >= OTHER_WIDE_WHITE_MIN * 255 &&
            near[i] >= OTHER_WHITE_MIN * 255) {
            tissue[i] = TISSUE_OTHER;
        }
    }
}

static void judge_lumina(void *context, const MapStrip *strip)
{
    const TissueWork *work = context;
    uint16_t *white = strip->planes[0];
    window_of(work, strip, work->scene->maps->white, LUMEN_RADIUS_PX, white);
    const uint8_t *tissue = work->tissue->classes + strip->offset;
    uint8_t *mask = work->mask + strip->offset;
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        mask[i] = white[i] >= LUMEN_WHITE_MIN * 255 * 64 && tissue[i] == TISSUE_STROMA;
    }
}

/* Empty places: of a vessel's size in stroma they are vessels, larger ones are fat, gaps or
 * glands' lumina. */
static void find_lumina(TissueWork *work)
{
    const ClassMap *tissue = work->tissue;
    map_strips_run(&work->strips, LUMEN_RADIUS_PX, judge_lumina, work);
    raster_remove_small_anywhere(work->mask, work->size, 1, area_px(tissue, LUMEN_UM2_MIN));
    put_mask(work, work->mask, TISSUE_VESSEL);
    raster_remove_small_anywhere(work->mask, work->size, 1, area_px(tissue, LUMEN_UM2_MAX));
    put_mask(work, work->mask, TISSUE_OTHER);
}

static void find_necrosis(TissueWork *work)
{
    uint32_t hole_px = area_px(work->tissue, NECROSIS_HOLE_UM2_MAX);
    uint32_t least_px = area_px(work->tissue, NECROSIS_UM2_MIN);
    raster_remove_small(work->necrosis, work->size, 0, hole_px);
    raster_remove_small_anywhere(work->necrosis, work->size, 1, least_px);
    put_mask(work, work->necrosis, TISSUE_NECROSIS);
}

static void judge_blood(void *context, const MapStrip *strip)
{
    const TissueWork *work = context;
    uint16_t *blood = strip->planes[0];
    window_of(work, strip, work->scene->maps->blood, BLOOD_RADIUS_PX, blood);
    uint8_t *mask = work->mask + strip->offset;
    for (size_t i = strip->own; i < strip->own + strip->own_count; i++) {
        mask[i] = blood[i] >= BLOOD_SHARE_MIN * 255 * 64;
    }
}

static void find_blood(TissueWork *work)
{
    map_strips_run(&work->strips, BLOOD_RADIUS_PX, judge_blood, work);
    uint32_t least_px = area_px(work->tissue, BLOOD_UM2_MIN);
    raster_remove_small_anywhere(work->mask, work->size, 1, least_px);
    put_mask(work, work->mask, TISSUE_BLOOD);
}

void tissue_classify(const TissueScene *scene, ClassMap *tissue)
{
    AUTO_TISSUE_WORK work;
    work_init(&work, scene, tissue);
    map_strips_run(&work.strips, 2 * smooth_radius(tissue), judge_cells, &work);
    map_strips_run(&work.strips, radius_px(tissue, OTHER_WIDE_UM), judge_loose, &work);
    find_lumina(&work);
    find_necrosis(&work);
    find_blood(&work);
}

static bool near_vessel(const ClassMap *tissue, CellPoint point)
{
    size_t at = map_index(tissue, point);
    int32_t x = (int32_t)(at % (size_t)tissue->width_px);
    int32_t y = (int32_t)(at / (size_t)tissue->width_px);
    for (int32_t r = y - 2; r <= y + 2; r++) {
        for (int32_t c = x - 2; c <= x + 2; c++) {
            if (r >= 0 && c >= 0 && r < tissue->height_px && c < tissue->width_px &&
                tissue->classes[(size_t)r * (size_t)tissue->width_px + (size_t)c] ==
                    TISSUE_VESSEL) {
                return true;
            }
        }
    }
    return false;
}

/* The likeliest kind. */
static CellKind kind_of(const float kinds[KIND_COUNT])
{
    CellKind best = KIND_INFLAMMATORY;
    for (CellKind kind = KIND_EPITHELIAL; kind < KIND_COUNT; kind++) {
        best = kinds[kind] > kinds[best] ? kind : best;
    }
    return best;
}

static CellClass epithelial_class(const Cell *cell)
{
    if (cell->tissue_class == TISSUE_CARCINOMA || cell->tissue_class == TISSUE_EPITHELIAL) {
        return cell->tissue_class == TISSUE_CARCINOMA ? CELL_CARCINOMA : CELL_EPITHELIAL;
    }
    return cell->area_um2 >= (float)CARCINOMA_AREA_UM2_MIN ? CELL_CARCINOMA : CELL_EPITHELIAL;
}

static CellClass cell_class(const ClassMap *tissue, const Cell *cell, const float kinds[KIND_COUNT])
{
    switch (kind_of(kinds)) {
    case KIND_EPITHELIAL:
        return epithelial_class(cell);
    case KIND_INFLAMMATORY:
        return CELL_LYMPHOCYTE;
    case KIND_STROMAL:
        return near_vessel(tissue, cell->centroid) ? CELL_ENDOTHELIAL : CELL_FIBROBLAST;
    case KIND_NONE:
    case KIND_COUNT:
        break;
    }
    return CELL_OTHER;
}

/* Cells that wait for their class, in parts that threads share out. */
typedef struct Classifying {
    const ClassMap *tissue;
    TileCells *cells;
    bool *dropped;
} Classifying;

enum { CELLS_AT_ONCE = 16 * 1024 };

static bool classify_cells(void *context, unsigned thread, uint32_t job, Error *error)
{
    (void)thread;
    (void)error;
    const Classifying *work = context;
    CellList *list = &work->cells->list;
    uint32_t first = job * CELLS_AT_ONCE;
    uint32_t end = list->count - first < CELLS_AT_ONCE ? list->count : first + CELLS_AT_ONCE;
    for (uint32_t i = first; i < end; i++) {
        cell_list_rest(list, i);
        Cell *cell = &list->cells[i];
        cell->tissue_class = work->tissue->classes[map_index(work->tissue, cell->centroid)];
        cell->cell_class = (uint8_t)cell_class(work->tissue, cell, work->cells->kinds[i].share);
        work->dropped[i] = cell->tissue_class == TISSUE_BLOOD ||
                           cell->tissue_class == TISSUE_NECROSIS ||
                           cell->tissue_class == TISSUE_NONE;
    }
    return true;
}

void tissue_finish_cells(const ClassMap *tissue, unsigned thread_count, TileCells *cells)
{
    uint32_t count = cells->list.count;
    AUTO_FREE bool *dropped = alloc_zeroed((size_t)count + 1, sizeof *dropped);
    Classifying work = {tissue, cells, dropped};
    ParallelJobs jobs = {.job_count = (count + CELLS_AT_ONCE - 1) / CELLS_AT_ONCE,
                         .thread_count = thread_count,
                         .context = &work,
                         .run = classify_cells};
    Error error = {.code = ERROR_NONE};
    bool done = parallel_run(&jobs, &error);
    assert(done);
    tile_cells_drop(cells, dropped);
}
