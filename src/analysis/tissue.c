/* SPDX-License-Identifier: Apache-2.0 */
/* See tissue.h. */
#include "analysis/tissue.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* Radius of the window that decides a place, a box applied twice. */
#define WINDOW_UM 14.0
/* Epithelium has basophilic cytoplasm and nuclei of its kind: a sum of both, weighed on the tiles
 * of BRCA-M2C (cell_kind_table.h), where haematoxylin between the nuclei, relative to the slide's
 * threshold, has a median of 0.66 around epithelial cells and of 0.45 around stromal ones. */
#define CYTOPLASM_MIDDLE 0.48
#define CYTOPLASM_WEIGHT 8.0
#define KINDS_WEIGHT 1.5
#define KINDS_FLOOR 0.01
/* Nuclei must cover this share of the window. */
#define EPITHELIAL_COVER_MIN 0.03
/* Carcinoma: the mean area of the epithelial nuclei; it is 63 um2 on the tiles of BRCA-M2C, which
 * are carcinomas, and 40 um2 in the skin of CMU-1. */
#define CARCINOMA_AREA_UM2_MIN 45.0
/* Necrosis: stained like tissue, with more haematoxylin dust than collagen, but no nuclei. */
#define NECROSIS_COVER_MAX 0.01
#define NECROSIS_HAEMATOXYLIN_MIN 18 /* hundredths */
#define NECROSIS_EOSIN_MIN 20
#define NECROSIS_UM2_MIN 20000.0
#define BLOOD_SHARE_MIN 0.55
#define BLOOD_UM2_MIN 1500.0
/* Empty places inside the tissue. */
#define LUMEN_WHITE_MIN 0.6
#define LUMEN_UM2_MIN 400.0
#define LUMEN_UM2_MAX 12000.0
/* Share of empty places where tissue is fat or loose, no stroma. */
#define OTHER_WHITE_MIN 0.5
/* Where less of the window than this is neither nucleus nor empty, its cytoplasm is unknown. */
#define KNOWN_SHARE_MIN 0.05
/* Sums of nuclear area are kept in so many parts of a map pixel. */
#define COVER_UNIT 4096.0

typedef struct TissueWork {
    const TissueScene *scene;
    RasterSize size;
    size_t count;
    uint16_t *epithelial; /* share of the window covered by epithelial nuclei, COVER_UNIT */
    uint16_t *others;     /* by inflammatory and stromal ones */
    uint16_t *large;      /* the epithelial share, weighted by nuclear area over 256 um2 */
    uint16_t *cytoplasm;  /* haematoxylin between nuclei */
    uint16_t *window;     /* of one map at a time */
    uint8_t *mask;
    RasterScratch scratch;
} TissueWork;

static void work_init(TissueWork *work, const TissueScene *scene)
{
    work->scene = scene;
    work->size = scene->maps->size;
    work->count = raster_count(work->size);
    work->cytoplasm = alloc_array(work->count, sizeof(uint16_t));
    work->epithelial = alloc_zeroed(work->count, sizeof(uint16_t));
    work->others = alloc_zeroed(work->count, sizeof(uint16_t));
    work->large = alloc_zeroed(work->count, sizeof(uint16_t));
    work->window = alloc_array(work->count, sizeof(uint16_t));
    work->mask = alloc_array(work->count, 1);
    raster_scratch_init(&work->scratch, work->size);
}

static void work_clear(TissueWork *work)
{
    alloc_free(work->epithelial);
    alloc_free(work->others);
    alloc_free(work->large);
    alloc_free(work->cytoplasm);
    alloc_free(work->window);
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

static void window_of(TissueWork *work, const uint8_t *values, int32_t radius)
{
    for (size_t i = 0; i < work->count; i++) {
        work->window[i] = (uint16_t)(values[i] * 64);
    }
    raster_box_mean(work->window, work->window, work->size, radius, &work->scratch);
}

static uint32_t area_px(const ClassMap *map, double um2)
{
    double pixels = um2 / (map->mpp * map->mpp);
    return pixels < 2 ? 2 : (uint32_t)pixels;
}

/* Haematoxylin between the nuclei around each place, in hundredths times 64. */
static void smooth_cytoplasm(TissueWork *work)
{
    const SlideMaps *maps = work->scene->maps;
    for (size_t i = 0; i < work->count; i++) {
        work->cytoplasm[i] = (uint16_t)(maps->haematoxylin[i] * 64);
        work->window[i] = (uint16_t)(maps->plain[i] * COVER_UNIT);
    }
    smooth(work, work->cytoplasm);
    smooth(work, work->window);
    for (size_t i = 0; i < work->count; i++) {
        double known = work->window[i] / COVER_UNIT;
        double mean = known > KNOWN_SHARE_MIN ? work->cytoplasm[i] / known : 0;
        work->cytoplasm[i] = (uint16_t)fmin(UINT16_MAX, mean);
    }
}

static TissueClass epithelium_or_stroma(const TissueWork *work, size_t i)
{
    double epithelial = work->epithelial[i] / COVER_UNIT;
    double others = work->others[i] / COVER_UNIT;
    double cytoplasm = work->cytoplasm[i] / (64.0 * MAP_DENSITY_UNIT) / work->scene->haematoxylin;
    double score = CYTOPLASM_WEIGHT * (cytoplasm - CYTOPLASM_MIDDLE) +
                   KINDS_WEIGHT * log((epithelial + KINDS_FLOOR) / (others + KINDS_FLOOR));
    if (score < 0 || epithelial + others < EPITHELIAL_COVER_MIN) {
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
    for (size_t i = 0; i < work->count; i++) {
        double cover = (work->epithelial[i] + work->others[i]) / COVER_UNIT;
        work->mask[i] = cover <= NECROSIS_COVER_MAX &&
                        work->scene->maps->haematoxylin[i] >= NECROSIS_HAEMATOXYLIN_MIN &&
                        work->scene->maps->eosin[i] >= NECROSIS_EOSIN_MIN;
    }
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

static void find_loose(TissueWork *work, ClassMap *tissue)
{
    window_of(work, work->scene->maps->white, 5);
    for (size_t i = 0; i < work->count; i++) {
        if (tissue->classes[i] == TISSUE_STROMA && work->window[i] >= OTHER_WHITE_MIN * 255 * 64) {
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
    smooth_cytoplasm(&work);
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
