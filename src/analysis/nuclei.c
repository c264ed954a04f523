/* SPDX-License-Identifier: Apache-2.0 */
/* See nuclei.h. */
#include "analysis/nuclei.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "analysis/shape.h"
#include "base/alloc.h"

/* What is smaller is no outline: a disc takes its place. */
#define AREA_UM2_MIN 10.0
#define DISC_RADIUS_UM 2.5
/* How closely an outline follows the pixels. */
#define OUTLINE_TOLERANCE_UM 0.3

enum {
    /* The window around a centre, which stands on the corner of its middle pixel, with a border. */
    SIDE = 2 * NUCLEUS_RADIUS_PX_MAX + 2,
    MIDDLE = NUCLEUS_RADIUS_PX_MAX + 1,
    /* Other centres that are nearer than twice the radius: they are 6 pixels apart at least. */
    RIVALS_MAX = 512,
    /* How often the tolerance of an outline is doubled: a hull is about round. */
    COARSER_MAX = 3,
};

/* Of a pixel: not looked at, in the nucleus, not in it. */
enum { LABEL_UNSEEN, LABEL_NUCLEUS, LABEL_OTHER };

/* Another centre, relative to the one in work. */
typedef struct Rival {
    int32_t x;
    int32_t y;
    int32_t squared;
    bool earlier; /* it gets what is as near to both */
} Rival;

struct NucleusWork {
    const Centre *centre;
    int32_t radius_px;
    Rival rivals[RIVALS_MAX];
    int rival_count;
    uint32_t labels[SIDE * SIDE]; /* LABEL_… */
    uint16_t pixels[SIDE * SIDE]; /* those of the nucleus */
    int pixel_count;
};

NucleusWork *nucleus_work_create(void)
{
    return ALLOC_NEW(NucleusWork);
}

void nucleus_work_destroy(NucleusWork *work)
{
    alloc_free(work);
}

static bool add_rival(NucleusWork *work, const Centre *other, bool earlier)
{
    int64_t y = other->y_px - work->centre->y_px;
    int64_t reach = 2 * (int64_t)work->radius_px;
    if (y < -reach || y > reach) {
        return false;
    }
    int64_t x = other->x_px - work->centre->x_px;
    if (x >= -reach && x <= reach) {
        assert(work->rival_count < RIVALS_MAX);
        work->rivals[work->rival_count++] =
            (Rival){(int32_t)x, (int32_t)y, (int32_t)(x * x + y * y), earlier};
    }
    return true;
}

static void find_rivals(const Centres *centres, uint32_t index, NucleusWork *work)
{
    work->rival_count = 0;
    for (uint32_t i = index; i-- > 0 && add_rival(work, &centres->items[i], true);) {
    }
    for (uint32_t i = index + 1; i < centres->count && add_rival(work, &centres->items[i], false);
         i++) {
    }
}

/* Whether the middle of the pixel at (x, y) from the centre is within the radius, and nearer to
 * this centre than to any other. */
static bool owns(const NucleusWork *work, int32_t x, int32_t y, int32_t radius_px)
{
    int32_t twice_x = 2 * x + 1;
    int32_t twice_y = 2 * y + 1;
    if (twice_x * twice_x + twice_y * twice_y > 4 * radius_px * radius_px) {
        return false;
    }
    for (int i = 0; i < work->rival_count; i++) {
        const Rival *rival = &work->rivals[i];
        /* By how much the square of the distance to the rival is larger. */
        int32_t larger = rival->squared - twice_x * rival->x - twice_y * rival->y;
        if (larger < 0 || (larger == 0 && rival->earlier)) {
            return false;
        }
    }
    return true;
}

static bool is_inside(const GridRect *rect, int64_t x, int64_t y)
{
    return x >= rect->x && y >= rect->y && x < rect->x + rect->width && y < rect->y + rect->height;
}

typedef struct Place {
    int32_t x; /* of a pixel, from the centre */
    int32_t y;
} Place;

static Place place_of(uint16_t pixel)
{
    return (Place){pixel % SIDE - MIDDLE, pixel / SIDE - MIDDLE};
}

static bool is_nucleus(const NucleiTile *tile, const NucleusWork *work, Place place)
{
    int64_t x = work->centre->x_px + place.x;
    int64_t y = work->centre->y_px + place.y;
    return owns(work, place.x, place.y, work->radius_px) && is_inside(&tile->inside, x, y) &&
           centres_nucleus_at(tile->centres, x, y);
}

static bool is_disc(const NucleiTile *tile, const NucleusWork *work, Place place)
{
    return owns(work, place.x, place.y, (int32_t)ceil(DISC_RADIUS_UM / tile->mpp)) &&
           is_inside(&tile->inside, work->centre->x_px + place.x, work->centre->y_px + place.y);
}

typedef bool (*Belongs)(const NucleiTile *tile, const NucleusWork *work, Place place);

static void visit(const NucleiTile *tile, NucleusWork *work, Belongs belongs, int pixel)
{
    if (work->labels[pixel] != LABEL_UNSEEN) {
        return;
    }
    work->labels[pixel] = LABEL_OTHER;
    if (belongs(tile, work, place_of((uint16_t)pixel))) {
        work->labels[pixel] = LABEL_NUCLEUS;
        work->pixels[work->pixel_count++] = (uint16_t)pixel;
    }
}

/* The pixels that belong and hang together with the one at the centre. */
static void flood(const NucleiTile *tile, NucleusWork *work, Belongs belongs)
{
    memset(work->labels, 0, sizeof work->labels);
    work->pixel_count = 0;
    visit(tile, work, belongs, MIDDLE * SIDE + MIDDLE);
    for (int i = 0; i < work->pixel_count; i++) {
        int pixel = work->pixels[i];
        visit(tile, work, belongs, pixel - SIDE);
        visit(tile, work, belongs, pixel - 1);
        visit(tile, work, belongs, pixel + 1);
        visit(tile, work, belongs, pixel + SIDE);
    }
}

static size_t tile_index(const NucleiTile *tile, const NucleusWork *work, uint16_t pixel)
{
    Place place = place_of(pixel);
    int64_t x = work->centre->x_px + place.x - tile->rect.x;
    int64_t y = work->centre->y_px + place.y - tile->rect.y;
    return (size_t)y * (size_t)tile->rect.width + (size_t)x;
}

void nucleus_find(const NucleiTile *tile, uint32_t index, NucleusWork *work, uint8_t *mask)
{
    work->centre = &tile->centres->items[index];
    work->radius_px = (int32_t)lround(NUCLEUS_RADIUS_UM_MAX / tile->mpp);
    if (work->radius_px > NUCLEUS_RADIUS_PX_MAX) {
        work->radius_px = NUCLEUS_RADIUS_PX_MAX;
    }
    find_rivals(tile->centres, index, work);
    flood(tile, work, is_nucleus);
    if (work->pixel_count * tile->mpp * tile->mpp < AREA_UM2_MIN) {
        flood(tile, work, is_disc);
    }
    for (int i = 0; i < work->pixel_count; i++) {
        mask[tile_index(tile, work, work->pixels[i])] = 1;
    }
}

static void measure_shape(const NucleiTile *tile, const NucleusWork *work, Cell *cell)
{
    Moments moments = {.count = 0};
    uint64_t haematoxylin = 0;
    for (int i = 0; i < work->pixel_count; i++) {
        Place place = place_of(work->pixels[i]);
        moments_add(&moments, place.x, place.y);
        haematoxylin += stain_haematoxylin(tile->stain,
                                           tile->rgb + tile_index(tile, work, work->pixels[i]) * 3);
    }
    double mpp = tile->mpp;
    double count = (double)moments.count;
    Ellipse ellipse = moments_ellipse(&moments);
    *cell = (Cell){.centroid = {(float)((double)work->centre->x_px + ellipse.x),
                                (float)((double)work->centre->y_px + ellipse.y)},
                   .area_um2 = (float)(count * mpp * mpp),
                   .major_axis_um = (float)(ellipse.major * mpp),
                   .minor_axis_um = (float)(ellipse.minor * mpp),
                   .roundness = (float)(ellipse.minor / ellipse.major),
                   .hematoxylin = (float)((double)haematoxylin / count / STAIN_UNIT)};
}

/* The first pixel of the nucleus in reading order. */
static size_t first_pixel(const NucleusWork *work)
{
    uint16_t first = work->pixels[0];
    for (int i = 1; i < work->pixel_count; i++) {
        first = work->pixels[i] < first ? work->pixels[i] : first;
    }
    return first;
}

/* A ring that cannot be thinned becomes its hull, which may still have too many points. */
static uint32_t thin(CellPoint *ring, uint32_t count, double tolerance_px)
{
    count = outline_thin(ring, count, tolerance_px);
    for (int i = 0; i < COARSER_MAX && count > OUTLINE_THIN_POINTS_MAX; i++) {
        tolerance_px *= 2;
        count = outline_thin(ring, count, tolerance_px);
    }
    assert(count <= OUTLINE_THIN_POINTS_MAX);
    return count;
}

/* Outline, its length, and how convex the nucleus is. */
static void trace(const NucleiTile *tile, const NucleusWork *work, Nucleus *nucleus)
{
    CellPoint ring[OUTLINE_POINTS_MAX];
    LabelImage image = {work->labels, {SIDE, SIDE}};
    uint32_t count = outline_trace(&image, first_pixel(work), ring);
    count = thin(ring, count, OUTLINE_TOLERANCE_UM / tile->mpp);
    CellPoint hull[OUTLINE_POINTS_MAX];
    memcpy(hull, ring, count * sizeof *ring);
    double area = outline_area(ring, count);
    uint32_t hull_count = outline_hull(hull, count);
    nucleus->cell.point_count = (uint16_t)count;
    nucleus->cell.perimeter_um = (float)(outline_length(ring, count) * tile->mpp);
    nucleus->cell.solidity = (float)fmin(1, area / outline_area(hull, hull_count));
    for (uint32_t i = 0; i < count; i++) {
        double x = (double)work->centre->x_px - MIDDLE + (double)ring[i].x_px;
        double y = (double)work->centre->y_px - MIDDLE + (double)ring[i].y_px;
        nucleus->points[i] = (CellPoint){(float)x, (float)y};
    }
}

void nucleus_measure(const NucleiTile *tile, NucleusWork *work, Nucleus *nucleus_out)
{
    measure_shape(tile, work, &nucleus_out->cell);
    trace(tile, work, nucleus_out);
    nucleus_out->kinds = work->centre->kinds;
}
