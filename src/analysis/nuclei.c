/* SPDX-License-Identifier: Apache-2.0 */
/* See nuclei.h. */
#include "analysis/nuclei.h"

#include <math.h>
#include <string.h>

#include "analysis/outline.h"
#include "analysis/shape.h"
#include "analysis/stain.h"
#include "base/alloc.h"

/* Tuned on the 80 training tiles of BRCA-M2C (0.5 microns per pixel). */
const NucleiTuning NUCLEI_TUNING = {
    .smooth_um = 0.5,
    .local_um = 18,
    .local_share = 0.57,
    .global_share = 0.79,
    .threshold_min = 180,
    .near_um = 7,
    .near_share = 0.16,
    .pale_share = 0.94,
    .hole_um2 = 20,
    .area_um2_min = 10,
    .area_um2_max = 400,
    .peak_um = 0.66,
    .peak_share = 0.09,
    .density_weight = 4.8,
    .contrast_min = 0.05,
};

/* Radius of the window whose majority decides a pixel of the mask. */
#define MAJORITY_UM 0.5
/* Heights of the watershed are in 32nds of a pixel. */
#define HEIGHT_UNIT 32
/* How closely an outline follows the pixels. */
#define OUTLINE_TOLERANCE_UM 0.3
/* Set in a label whose region has been measured. */
#define LABEL_DONE 0x80000000U

void nuclei_buffers_init(NucleiBuffers *buffers, RasterSize largest)
{
    size_t count = raster_count(largest);
    buffers->haematoxylin = alloc_array(count, sizeof(uint16_t));
    buffers->eosin = alloc_array(count, sizeof(uint16_t));
    buffers->smooth = alloc_array(count, sizeof(uint16_t));
    buffers->local = alloc_array(count, sizeof(uint16_t));
    buffers->near = alloc_array(count, sizeof(uint16_t));
    buffers->heights = alloc_array(count, sizeof(uint16_t));
    buffers->mask = alloc_array(count, 1);
    buffers->labels = alloc_array(count, sizeof(uint32_t));
    raster_scratch_init(&buffers->scratch, largest);
    watershed_scratch_init(&buffers->watershed, largest);
}

void nuclei_buffers_clear(NucleiBuffers *buffers)
{
    alloc_free(buffers->haematoxylin);
    alloc_free(buffers->eosin);
    alloc_free(buffers->smooth);
    alloc_free(buffers->local);
    alloc_free(buffers->near);
    alloc_free(buffers->heights);
    alloc_free(buffers->mask);
    alloc_free(buffers->labels);
    raster_scratch_clear(&buffers->scratch);
    watershed_scratch_clear(&buffers->watershed);
    *buffers = (NucleiBuffers){NULL};
}

static int32_t radius_px(double um, double mpp)
{
    int32_t radius = (int32_t)lround(um / mpp);
    return radius < 1 ? 1 : radius;
}

static uint32_t pixels_of(double um2, double mpp)
{
    return (uint32_t)lround(um2 / (mpp * mpp));
}

/* Darker than the wide surroundings ask for, or, for pale nuclei, than the close ones. */
static void threshold(const NucleiTile *tile, NucleiBuffers *buffers)
{
    const NucleiTuning *tuning = tile->tuning;
    double slide = tile->slide_threshold;
    uint32_t base = (uint32_t)lround(tuning->global_share * slide * 256);
    uint32_t share = (uint32_t)lround(tuning->local_share * 256);
    uint32_t above_near = (uint32_t)lround(tuning->near_share * slide);
    uint32_t pale = (uint32_t)lround(tuning->pale_share * slide);
    pale = pale < tuning->threshold_min ? tuning->threshold_min : pale;
    size_t count = raster_count(tile->size);
    for (size_t i = 0; i < count; i++) {
        uint32_t level = (base + share * buffers->local[i]) >> 8;
        level = level < tuning->threshold_min ? tuning->threshold_min : level;
        uint32_t pale_level = buffers->near[i] + above_near;
        pale_level = pale_level < pale ? pale : pale_level;
        buffers->mask[i] = buffers->smooth[i] > (level < pale_level ? level : pale_level);
    }
}

/* A pixel follows the majority within its window: ragged borders become smooth. */
static void smooth_mask(const NucleiTile *tile, NucleiBuffers *buffers)
{
    size_t count = raster_count(tile->size);
    for (size_t i = 0; i < count; i++) {
        buffers->heights[i] = (uint16_t)(buffers->mask[i] * 1000);
    }
    raster_box_mean(buffers->heights, buffers->heights, tile->size,
                    radius_px(MAJORITY_UM, tile->mpp), &buffers->scratch);
    for (size_t i = 0; i < count; i++) {
        buffers->mask[i] = buffers->heights[i] >= 500;
    }
}

static void clear_outside(const NucleiTile *tile, uint8_t *mask)
{
    const GridRect *inside = &tile->inside;
    for (int32_t y = 0; y < tile->size.height; y++) {
        uint8_t *row = mask + (size_t)y * (size_t)tile->size.width;
        if (y < inside->y || y >= inside->y + inside->height) {
            memset(row, 0, (size_t)tile->size.width);
        } else {
            int64_t right = inside->x + inside->width;
            memset(row, 0, (size_t)inside->x);
            memset(row + right, 0, (size_t)(tile->size.width - right));
        }
    }
}

/* Distance to the border plus density: touching nuclei have a pass between them in one or both. */
static void make_heights(const NucleiTile *tile, NucleiBuffers *buffers)
{
    raster_distance(buffers->mask, buffers->heights, tile->size, &buffers->scratch);
    double weight = tile->tuning->density_weight / tile->mpp * HEIGHT_UNIT / STAIN_UNIT;
    uint32_t density_share = (uint32_t)lround(weight * 256);
    size_t count = raster_count(tile->size);
    for (size_t i = 0; i < count; i++) {
        if (buffers->mask[i] == 0) {
            continue;
        }
        uint32_t distance = (uint32_t)(sqrtf(buffers->heights[i]) * HEIGHT_UNIT);
        uint32_t height = distance + ((buffers->smooth[i] * density_share) >> 8);
        buffers->heights[i] = (uint16_t)(height > UINT16_MAX ? UINT16_MAX : height);
    }
    raster_box_mean(buffers->heights, buffers->heights, tile->size, 1, &buffers->scratch);
}

void nuclei_segment(const NucleiTile *tile, NucleiBuffers *buffers)
{
    const NucleiTuning *tuning = tile->tuning;
    RasterScratch *scratch = &buffers->scratch;
    int32_t smooth_radius = radius_px(tuning->smooth_um, tile->mpp);
    raster_box_mean(buffers->haematoxylin, buffers->smooth, tile->size, smooth_radius, scratch);
    raster_box_mean(buffers->smooth, buffers->smooth, tile->size, smooth_radius, scratch);
    raster_box_mean(buffers->smooth, buffers->local, tile->size,
                    radius_px(tuning->local_um, tile->mpp), scratch);
    raster_box_mean(buffers->smooth, buffers->near, tile->size,
                    radius_px(tuning->near_um, tile->mpp), scratch);
    threshold(tile, buffers);
    smooth_mask(tile, buffers);
    clear_outside(tile, buffers->mask);
    raster_open(buffers->mask, tile->size, scratch);
    raster_remove_small(buffers->mask, tile->size, 0, pixels_of(tuning->hole_um2, tile->mpp),
                        scratch);
    raster_remove_small(buffers->mask, tile->size, 1, pixels_of(tuning->area_um2_min, tile->mpp),
                        scratch);
    make_heights(tile, buffers);
    Watershed watershed = {
        .heights = buffers->heights,
        .mask = buffers->mask,
        .size = tile->size,
        .depth_min = (uint16_t)lround(tuning->peak_um / tile->mpp * HEIGHT_UNIT),
        .depth_share = tuning->peak_share,
    };
    watershed_split(&watershed, buffers->labels, &buffers->watershed);
}

/* Sums over one region. */
typedef struct RegionSums {
    Moments moments;
    double haematoxylin;
    double haematoxylin_squares;
    double eosin;
    double around;
    double edge;
    int64_t edge_count;
    bool at_border;
} RegionSums;

/* The change of density per pixel at a pixel of the outline, by central differences. */
static double steepness(const NucleiTile *tile, const NucleiBuffers *buffers, size_t pixel)
{
    size_t width = (size_t)tile->size.width;
    const uint16_t *smooth = buffers->smooth;
    double dx = (double)smooth[pixel + 1] - smooth[pixel - 1];
    double dy = (double)smooth[pixel + width] - smooth[pixel - width];
    return sqrt(dx * dx + dy * dy) / (2.0 * STAIN_UNIT);
}

static bool at_outline(const NucleiTile *tile, const NucleiBuffers *buffers, size_t pixel)
{
    size_t width = (size_t)tile->size.width;
    const uint8_t *mask = buffers->mask;
    return mask[pixel - 1] == 0 || mask[pixel + 1] == 0 || mask[pixel - width] == 0 ||
           mask[pixel + width] == 0;
}

static void
add_pixel(const NucleiTile *tile, const NucleiBuffers *buffers, size_t pixel, RegionSums *sums)
{
    int32_t x = (int32_t)(pixel % (size_t)tile->size.width);
    int32_t y = (int32_t)(pixel / (size_t)tile->size.width);
    moments_add(&sums->moments, x, y);
    double haematoxylin = (double)buffers->haematoxylin[pixel] / STAIN_UNIT;
    sums->haematoxylin += haematoxylin;
    sums->haematoxylin_squares += haematoxylin * haematoxylin;
    sums->eosin += (double)buffers->eosin[pixel] / STAIN_UNIT;
    sums->around += (double)buffers->local[pixel] / STAIN_UNIT;
    if (x == 0 || y == 0 || x + 1 == tile->size.width || y + 1 == tile->size.height) {
        sums->at_border = true;
    } else if (at_outline(tile, buffers, pixel)) {
        sums->edge += steepness(tile, buffers, pixel);
        sums->edge_count++;
    }
}

/* Adds up the region of `start` and marks it as done. */
static RegionSums sum_region(const NucleiTile *tile, NucleiBuffers *buffers, size_t start)
{
    RegionSums sums = {.at_border = false};
    size_t width = (size_t)tile->size.width;
    size_t total = raster_count(tile->size);
    uint32_t label = buffers->labels[start];
    uint32_t *queue = buffers->scratch.pixels;
    size_t count = 0;
    queue[count++] = (uint32_t)start;
    buffers->labels[start] |= LABEL_DONE;
    for (size_t i = 0; i < count; i++) {
        size_t pixel = queue[i];
        add_pixel(tile, buffers, pixel, &sums);
        size_t x = pixel % width;
        size_t around[4] = {x > 0 ? pixel - 1 : pixel, x + 1 < width ? pixel + 1 : pixel,
                            pixel >= width ? pixel - width : pixel,
                            pixel + width < total ? pixel + width : pixel};
        for (int k = 0; k < 4; k++) {
            if (buffers->labels[around[k]] == label) {
                buffers->labels[around[k]] |= LABEL_DONE;
                queue[count++] = (uint32_t)around[k];
            }
        }
    }
    return sums;
}

static void measure(const NucleiTile *tile, const RegionSums *sums, Nucleus *nucleus)
{
    double mpp = tile->mpp;
    double count = (double)sums->moments.count;
    Ellipse ellipse = moments_ellipse(&sums->moments);
    double mean = sums->haematoxylin / count;
    Cell *cell = &nucleus->cell;
    *cell = (Cell){.centroid = {(float)ellipse.x, (float)ellipse.y},
                   .area_um2 = (float)(count * mpp * mpp),
                   .major_axis_um = (float)(ellipse.major * mpp),
                   .minor_axis_um = (float)(ellipse.minor * mpp),
                   .roundness = (float)(ellipse.minor / ellipse.major),
                   .hematoxylin = (float)mean};
    double variance = sums->haematoxylin_squares / count - mean * mean;
    double edge = sums->edge_count > 0 ? sums->edge / (double)sums->edge_count / mpp : 0;
    nucleus->look = (NucleusLook){.edge = (float)edge,
                                  .haematoxylin_spread = (float)sqrt(fmax(0, variance)),
                                  .eosin = (float)(sums->eosin / count),
                                  .haematoxylin_around = (float)(sums->around / count)};
}

/* Outline, its length, and how convex the region is; false when it is no ring of a nucleus. */
static bool trace(const NucleiTile *tile, const LabelImage *image, size_t start, Nucleus *nucleus)
{
    CellPoint ring[OUTLINE_POINTS_MAX];
    uint32_t count = outline_trace(image, start, ring);
    if (count == 0) {
        return false;
    }
    CellPoint hull[OUTLINE_POINTS_MAX];
    memcpy(hull, ring, count * sizeof *ring);
    double area = outline_area(ring, count);
    uint32_t hull_count = outline_hull(hull, count);
    uint32_t thin_count = outline_thin(ring, count, OUTLINE_TOLERANCE_UM / tile->mpp);
    if (thin_count > OUTLINE_THIN_POINTS_MAX) {
        return false;
    }
    memcpy(nucleus->points, ring, thin_count * sizeof *ring);
    nucleus->cell.point_count = (uint16_t)thin_count;
    nucleus->cell.perimeter_um = (float)(outline_length(ring, thin_count) * tile->mpp);
    nucleus->cell.solidity = (float)fmin(1, area / outline_area(hull, hull_count));
    return true;
}

static bool plausible(const NucleiTile *tile, const RegionSums *sums)
{
    const NucleiTuning *tuning = tile->tuning;
    double area_um2 = (double)sums->moments.count * tile->mpp * tile->mpp;
    double contrast = (sums->haematoxylin - sums->around) / (double)sums->moments.count;
    return !sums->at_border && area_um2 >= tuning->area_um2_min &&
           area_um2 <= tuning->area_um2_max && contrast >= tuning->contrast_min;
}

bool nuclei_next(const NucleiTile *tile, NucleiBuffers *buffers, size_t *at, Nucleus *nucleus_out)
{
    size_t total = raster_count(tile->size);
    LabelImage image = {buffers->labels, tile->size};
    while (*at < total) {
        size_t start = (*at)++;
        uint32_t label = buffers->labels[start];
        if (label == 0 || (label & LABEL_DONE) != 0) {
            continue;
        }
        RegionSums sums = sum_region(tile, buffers, start);
        if (!plausible(tile, &sums)) {
            continue;
        }
        measure(tile, &sums, nucleus_out);
        if (trace(tile, &image, start, nucleus_out)) {
            return true;
        }
    }
    return false;
}
