/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of the quality map (quality.h), each in a file of its own, and what they share. */
#pragma once
#include "analysis/map_strips.h"
#include "analysis/maps.h"
#include "analysis/result.h"

/* What the steps share. */
typedef struct QualityWork {
    const SlideMaps *maps;
    ClassMap *quality;
    size_t count;  /* of places */
    uint8_t *mask; /* one value a place */
    MapStrips strips;
} QualityWork;

/* The optical density of each intensity of the three channels, in thousandths. */
typedef struct DensityTables {
    uint16_t channels[3][256];
} DensityTables;

/* Pixels of a map that have an area; at least 2. */
uint32_t quality_area_px(const ClassMap *map, double um2);
/* Pixels of a map for a length; at least 1. */
int32_t quality_radius_px(double mpp, double um);
/* Sets the class where the mask is set within `radius` (0: at the place itself) and `from` stands;
 * QUALITY_NONE: wherever it is set. */
void quality_apply(QualityWork *work, int32_t radius, QualityClass from, QualityClass to);
/* Green's density in thousandths, smoothed, into a plane of the strip, which sees
 * QUALITY_DENSITY_REACH more rows than are needed of it. */
void quality_density(const QualityWork *work,
                     const DensityTables *tables,
                     const MapStrip *strip,
                     uint16_t *plane);
enum { QUALITY_DENSITY_REACH = 1 };
/* Rows that the steps see beyond those that they judge, at most. */
int32_t quality_tissue_reach(double mpp);
int32_t quality_folds_reach(double mpp);
int32_t quality_blur_reach(double mpp);

/* Adds up the counts that each thread made: `thread_count` times `bins`, into the first. */
void quality_sum_counts(uint32_t *counts, size_t bins, unsigned thread_count);

/* Fills the map with NO_TISSUE and VALID_TISSUE. */
void quality_find_tissue(QualityWork *work, const DensityTables *tables);
/* Ink becomes MARKER, on glass and on tissue. */
void quality_find_ink(QualityWork *work, const DensityTables *tables);
/* Folds of valid tissue become TISSUE_ARTIFACT. */
void quality_find_folds(QualityWork *work, const DensityTables *tables);
/* Blurred valid tissue becomes OUT_OF_FOCUS. */
void quality_find_blur(QualityWork *work);
