/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds nuclei in one tile of haematoxylin density: a threshold that follows the surroundings,
 * cleaned and with its holes filled, then a watershed that splits nuclei that touch.
 */
#pragma once
#include "analysis/grid.h"
#include "analysis/outline.h"
#include "analysis/raster.h"
#include "analysis/result.h"
#include "analysis/watershed.h"

/* How nuclei are told from their surroundings; densities in units of stain.h. */
typedef struct NucleiTuning {
    double smooth_um;    /* radius of the box, applied twice */
    double local_um;     /* radius of the surroundings */
    double local_share;  /* the threshold is this share of the surroundings' density … */
    double global_share; /* … plus this share of the slide's threshold */
    uint16_t threshold_min;
    double near_um; /* a pale nucleus counts where it is darker than this close surrounding … */
    double near_share; /* … by this share of the slide's threshold … */
    double pale_share; /* … and reaches this share of it */
    double hole_um2;   /* smaller ones are filled */
    double area_um2_min;
    double area_um2_max;
    double peak_um;        /* a peak of the distance must stand so far above the pass … */
    double peak_share;     /* … and at least this share of its height */
    double density_weight; /* microns of distance that a density of 1 is worth */
    double contrast_min;   /* of its mean density above its surroundings' */
} NucleiTuning;

extern const NucleiTuning NUCLEI_TUNING;

/* All that is needed for one tile; the planes have the tile's size. */
typedef struct NucleiBuffers {
    uint16_t *haematoxylin; /* filled by the caller */
    uint16_t *eosin;        /* filled by the caller */
    uint16_t *smooth;
    uint16_t *local; /* the surroundings' haematoxylin */
    uint16_t *near;  /* the close surroundings' haematoxylin */
    uint16_t *heights;
    uint8_t *mask;
    uint32_t *labels;
    RasterScratch scratch;
    WatershedScratch watershed;
} NucleiBuffers;

void nuclei_buffers_init(NucleiBuffers *buffers, RasterSize largest);
void nuclei_buffers_clear(NucleiBuffers *buffers);

typedef struct NucleiTile {
    RasterSize size;
    double mpp;
    uint16_t slide_threshold; /* density that separates nuclei from the rest over the slide */
    const NucleiTuning *tuning;
    GridRect inside; /* the part of the tile where nuclei may be */
} NucleiTile;

/* Labels the nuclei of a tile in buffers->labels. */
void nuclei_segment(const NucleiTile *tile, NucleiBuffers *buffers);

/* How one nucleus looks, beyond what a Cell tells; densities as optical density. */
typedef struct NucleusLook {
    float haematoxylin_spread; /* standard deviation */
    float edge;                /* mean change of haematoxylin across the outline, per um */
    float eosin;
    float haematoxylin_around; /* within NucleiTuning.local_um */
} NucleusLook;

typedef struct Nucleus {
    Cell cell; /* in pixels and microns of the tile; no class yet */
    NucleusLook look;
    CellPoint points[OUTLINE_THIN_POINTS_MAX]; /* in pixels of the tile */
} Nucleus;

/* Goes through the labelled regions of a tile in reading order of their first pixels. Set `at` to
 * 0 to begin; false when there is none left. Regions that are no nuclei by size, contrast or place
 * (cut by the tile's border) are passed over. */
bool nuclei_next(const NucleiTile *tile, NucleiBuffers *buffers, size_t *at, Nucleus *nucleus_out);
