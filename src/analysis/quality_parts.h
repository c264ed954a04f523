/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of the quality map (quality.h), each in a file of its own, and what they share. */
#pragma once
#include "analysis/maps.h"
#include "analysis/result.h"

/* The working memory of the steps. */
typedef struct QualityWork {
    const SlideMaps *maps;
    size_t count;
    uint16_t *density; /* of green, in thousandths, smoothed: quality_find_tissue makes it */
    uint16_t *other;
    uint8_t *mask;
    RasterScratch scratch;
} QualityWork;

/* The optical density of each intensity of the three channels, in thousandths. */
typedef struct DensityTables {
    uint16_t channels[3][256];
} DensityTables;

/* Pixels of a map that have an area; at least 2. */
uint32_t quality_area_px(const ClassMap *map, double um2);
/* Pixels of a map for a length; at least 1. */
int32_t quality_radius_px(double mpp, double um);
/* Sets the class where the mask is set and `from` stands; QUALITY_NONE: wherever it is set. */
void quality_apply(const QualityWork *work, ClassMap *quality, QualityClass from, QualityClass to);

/* Keeps those 4-connected regions of the mask in which at least `count_min` pixels have `other` 1
 * and not 0. */
void quality_keep_strong(QualityWork *work, uint32_t count_min);

/* Sets `value` in the mask wherever it stands within `radius` (a square); 0: nowhere else. Uses
 * `other`. */
void quality_spread(QualityWork *work, uint8_t value, int32_t radius);

/* Fills the map with NO_TISSUE and VALID_TISSUE. */
void quality_find_tissue(QualityWork *work, const DensityTables *tables, ClassMap *quality);
/* Ink becomes MARKER, on glass and on tissue. */
void quality_find_ink(QualityWork *work, const DensityTables *tables, ClassMap *quality);
/* Folds of valid tissue become TISSUE_ARTIFACT. */
void quality_find_folds(QualityWork *work, const DensityTables *tables, ClassMap *quality);
/* Blurred valid tissue becomes OUT_OF_FOCUS. */
void quality_find_blur(QualityWork *work, ClassMap *quality);
