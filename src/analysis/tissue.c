/* SPDX-License-Identifier: Apache-2.0 */
/* See tissue.h. */
#include "analysis/tissue.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* Radius of the window that decides a place, a box applied twice. */
#define WINDOW_UM 10.0
/* Epithelium: where nuclei of its kind cover more than this times what the others cover. The weight
 * and the window are those that part the annotated tumour and stromal cells of BRCA-M2C best. */
#define OTHERS_WEIGHT 0.8
/* Nuclei must cover this share of the window. */
#define EPITHELIAL_COVER_MIN 0.03
/* Carcinoma: the mean area of the epithelial nuclei, which 19 of 20 tiles of BRCA-M2C exceed, all
 * of them carcinomas. What is smaller is called epithelium; that this is not carcinoma has not been
 * measured. */
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

typedef struct TissueWork {
    const TissueScene *scene;
    RasterSize size;
    size_t count;
    uint16_t *epithelial; /* share of the window covered by epithelial nuclei, COVER_UNIT */
    uint16_t *others;     /* by inflammatory and stromal ones */
    uint16_t *large;      /* the epithelial share, weighted by nuclear area over 256 um2 */
    uint16_t *window;     /* of one map at a time */
    uint16_t *other;
    uint8_t *mask;
    RasterScratch scratch;
} TissueWork;

static void work_init(TissueWork *work, const TissueScene *scene)
{
    work->scene = scene;
    work->size = scene->maps->size;
    work->count = raster_count(work->size);
    work->epithelial = alloc_zeroed(work->count, sizeof(uint16_t));
    work->others = alloc_zeroed(work->count, sizeof(uint16_t));
    work->large = alloc_zeroed(work->count, sizeof(uint16_t));
    work->window = alloc_array(work->count, sizeof(uint16_t));
    work->other = alloc_array(work->count, sizeof(uint16_t));
    work->mask = alloc_array(work->count, 1);
    raster_scratch_init(&work->scratch, work->size);
}

static void work_clear(TissueWork *work)
{
    alloc_free(work->epithelial);
    alloc_free(work->others);
    alloc_free(work->large);
    alloc_free(work->window);
    alloc_free(work->other);
    alloc_free(work->mask);
    raster_scratch_clear(&work->scratch);
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

static void smooth(TissueWork *work, uint16_t *values)
{
    int32_t radius = (int32_t)lround(WINDOW_UM / work->scene->quality->mpp);
    radius = radius < 1 ? 1 : radius;
    raster_box_mean(values, values, work->size, radius, &work->scratch);
    raster_box_mean(values, values, work->size, radius, &work->scratch);
}

static void spread_cells(TissueWork *work, const CellList *cells, const float *kinds)
{
    double pixel_um2 = work->scene->quality->mpp * work->scene->quality->mpp;
    for (uint32_t i = 0; i < cells->count; i++) {
        const Cell *cell = &cells->cells[i];
        size_t at = map_index(work->scene->quality, cell->centroid);
        double share = cell->area_um2 / pixel_um2;
        double epithelial = kinds[(size_t)i * KIND_COUNT + KIND_EPITHELIAL] * share;
        add_share(&work->epithelial[at], epithelial);
        add_share(&work->others[at], share - epithelial);
        add_share(&work->large[at], epithelial * fmin(1, cell->area_um2 / 256));
    }
    smooth(work, work->epithelial);
    smooth(work, work->others);
    smooth(work, work->large);
}

/* What lies outside of valid tissue counts as nothing: it may not have been measured. */
static uint16_t valid_only(const TissueWork *work, size_t i, uint32_t value)
{
    return work->scene->quality->classes[i] == QUALITY_VALID_TISSUE ? (uint16_t)value : 0;
}

static void window_of(TissueWork *work, const uint8_t *values, int32_t radius)
{
    for (size_t i = 0; i < work->count; i++) {
        work->window[i] = valid_only(work, i, values[i] * 64U);
    }
    raster_box_mean(work->window, work->window, work->size, radius, &work->scratch);
}

static uint32_t area_px(const ClassMap *map, double um2)
{
    double pixels = um2 / (map->mpp * map->mpp);
    return pixels < 2 ? 2 : (uint32_t)pixels;
}

static TissueClass epithelium_or_stroma(const TissueWork *work, size_t i)
{
    double epithelial = work->epithelial[i] / COVER_UNIT;
    double others = work->others[i] / COVER_UNIT;
    if (epithelial < OTHERS_WEIGHT * others || epithelial + others < EPITHELIAL_COVER_MIN) {
        return TISSUE_STROMA;
    }
    if (work->epithelial[i] == 0) {
        return TISSUE_EPITHELIAL;
    }
    double mean_area_um2 = 256.0 * work->large[i] / work->epithelial[i];
    return mean_area_um2 >= CARCINOMA_AREA_UM2_MIN ? TISSUE_CARCINOMA : TISSUE_EPITHELIAL;
}

static void put_mask(const TissueWork *work, ClassMap *tissue, TissueClass class)
{
    for (size_t i = 0; i < work->count; i++) {
        if (work->mask[i] != 0 && tissue->classes[i] != TISSUE_NONE) {
            tissue->classes[i] = (uint8_t) class;
        }
    }
}

static void find_necrosis(TissueWork *work, ClassMap *tissue)
{
    const StainTable *stain = work->scene->stain;
    const uint8_t *rgb = work->scene->maps->rgb;
    for (size_t i = 0; i < work->count; i++) {
        work->window[i] = stain_haematoxylin(stain, rgb + i * 3);
    }
    smooth(work, work->window);
    for (size_t i = 0; i < work->count; i++) {
        double cover = (work->epithelial[i] + work->others[i]) / COVER_UNIT;
        work->mask[i] = cover <= NECROSIS_COVER_MAX &&
                        work->window[i] >= NECROSIS_HAEMATOXYLIN_MIN &&
                        stain_eosin(stain, rgb + i * 3) >= NECROSIS_EOSIN_MIN;
    }
    raster_remove_small(work->mask, work->size, 0, area_px(tissue, NECROSIS_HOLE_UM2_MAX),
                        &work->scratch);
    uint32_t least = area_px(tissue, NECROSIS_UM2_MIN);
    raster_remove_small_anywhere(work->mask, work->size, 1, least, &work->scratch);
    put_mask(work, tissue, TISSUE_NECROSIS);
}

static void find_blood(TissueWork *work, ClassMap *tissue)
{
    window_of(work, work->scene->maps->blood, 2);
    for (size_t i = 0; i < work->count; i++) {
        work->mask[i] = work->window[i] >= BLOOD_SHARE_MIN * 255 * 64;
    }
    uint32_t least = area_px(tissue, BLOOD_UM2_MIN);
    raster_remove_small_anywhere(work->mask, work->size, 1, least, &work->scratch);
    put_mask(work, tissue, TISSUE_BLOOD);
}

/* Empty places: of a vessel's size in stroma they are vessels, larger ones are fat, gaps or
 * glands' lumina. */
static void find_lumina(TissueWork *work, ClassMap *tissue)
{
    window_of(work, work->scene->maps->white, 1);
    RasterSize size = work->size;
    for (size_t i = 0; i < work->count; i++) {
        work->mask[i] =
            work->window[i] >= LUMEN_WHITE_MIN * 255 * 64 && tissue->classes[i] == TISSUE_STROMA;
    }
    raster_remove_small_anywhere(work->mask, size, 1, area_px(tissue, LUMEN_UM2_MIN),
                                 &work->scratch);
    put_mask(work, tissue, TISSUE_VESSEL);
    uint8_t *vessels = (uint8_t *)work->window;
    memcpy(vessels, work->mask, work->count);
    raster_remove_small_anywhere(work->mask, size, 1, area_px(tissue, LUMEN_UM2_MAX),
                                 &work->scratch);
    put_mask(work, tissue, TISSUE_OTHER);
}

static int32_t radius_px(const ClassMap *map, double um)
{
    return (int32_t)fmax(1, round(um / map->mpp));
}

/* The share of empty places in a window's valid tissue, in 255ths, in `window`. */
static void white_share(TissueWork *work, int32_t radius)
{
    for (size_t i = 0; i < work->count; i++) {
        work->other[i] = valid_only(work, i, UINT16_MAX);
    }
    raster_box_mean(work->other, work->other, work->size, radius, &work->scratch);
    window_of(work, work->scene->maps->white, radius);
    for (size_t i = 0; i < work->count; i++) {
        double valid = work->other[i] / (double)UINT16_MAX;
        work->window[i] = valid > 0 ? (uint16_t)fmin(255, work->window[i] / (64 * valid)) : 0;
    }
}

static void find_loose(TissueWork *work, ClassMap *tissue)
{
    white_share(work, radius_px(tissue, OTHER_WIDE_UM));
    for (size_t i = 0; i < work->count; i++) {
        work->mask[i] = work->window[i] >= OTHER_WIDE_WHITE_MIN * 255;
    }
    white_share(work, radius_px(tissue, OTHER_NEAR_UM));
    for (size_t i = 0; i < work->count; i++) {
        if (tissue->classes[i] == TISSUE_STROMA && work->mask[i] != 0 &&
            work->window[i] >= OTHER_WHITE_MIN * 255) {
            tissue->classes[i] = TISSUE_OTHER;
        }
    }
}

void tissue_classify(const TissueScene *scene,
                     const CellList *cells,
                     const float *kinds,
                     ClassMap *tissue)
{
    AUTO_TISSUE_WORK work;
    work_init(&work, scene);
    spread_cells(&work, cells, kinds);
    for (size_t i = 0; i < work.count; i++) {
        tissue->classes[i] = (uint8_t)(scene->quality->classes[i] == QUALITY_VALID_TISSUE
                                           ? epithelium_or_stroma(&work, i)
                                           : TISSUE_NONE);
    }
    find_loose(&work, tissue);
    find_lumina(&work, tissue);
    find_necrosis(&work, tissue);
    find_blood(&work, tissue);
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

void tissue_finish_cells(const ClassMap *tissue, TileCells *cells, const float *kinds)
{
    CellList *list = &cells->list;
    AUTO_FREE bool *dropped = alloc_zeroed((size_t)list->count + 1, sizeof *dropped);
    for (uint32_t i = 0; i < list->count; i++) {
        Cell *cell = &list->cells[i];
        cell->tissue_class = tissue->classes[map_index(tissue, cell->centroid)];
        cell->cell_class = (uint8_t)cell_class(tissue, cell, kinds + (size_t)i * KIND_COUNT);
        dropped[i] = cell->tissue_class == TISSUE_BLOOD || cell->tissue_class == TISSUE_NECROSIS ||
                     cell->tissue_class == TISSUE_NONE;
    }
    tile_cells_drop(cells, dropped);
}
