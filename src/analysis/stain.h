/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stain separation: how much haematoxylin and eosin stand behind a colour. By Beer and Lambert's
 * law the optical density -log10(I / I0) of each channel is the sum of the stains' densities, so
 * that the amounts follow from a 3 x 3 matrix of the stains' unit vectors.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct StainBasis {
    double haematoxylin[3]; /* unit vectors of optical density in R, G, B */
    double eosin[3];
    double white[3]; /* intensity of empty glass, I0 */
} StainBasis;

/* Ruifrok and Johnston: Quantification of histochemical staining by color deconvolution, 2001. */
extern const double STAIN_HAEMATOXYLIN[3];
extern const double STAIN_EOSIN[3];

/* Optical density of one channel; intensities below 1 count as 1. */
double stain_density(double intensity, double white);

/*
 * Estimates the two vectors from `count` RGB pixels of tissue after Macenko et al. (A method for
 * normalizing histology slides for quantitative analysis, 2009): the plane of the two largest
 * principal components of their densities, and in it the 1st and 99th percentile of the angles.
 * Returns false and leaves the vectors of Ruifrok and Johnston when there are too few pixels or
 * the result is no plausible pair: haematoxylin must lie within 30 degrees of theirs and absorb
 * more red than eosin, eosin must lie within 40 degrees, and the two at least 10 degrees apart.
 */
bool stain_estimate(StainBasis *basis, const uint8_t *rgb, size_t count);

/* Densities are in thousandths from here on, 0 to STAIN_UNIT_MAX. */
#define STAIN_UNIT 1000
#define STAIN_UNIT_MAX 4000

/* The separation of every colour as three tables whose entries are added. */
typedef struct StainTable {
    int16_t haematoxylin[3][256];
    int16_t eosin[3][256];
} StainTable;

/* The third vector, perpendicular to both, takes up what is neither. */
void stain_table_init(StainTable *table, const StainBasis *basis);

static inline uint16_t stain_clamp(int32_t density)
{
    return (uint16_t)(density < 0 ? 0 : density > STAIN_UNIT_MAX ? STAIN_UNIT_MAX : density);
}

static inline uint16_t stain_haematoxylin(const StainTable *table, const uint8_t *rgb)
{
    return stain_clamp(table->haematoxylin[0][rgb[0]] + table->haematoxylin[1][rgb[1]] +
                       table->haematoxylin[2][rgb[2]]);
}

static inline uint16_t stain_eosin(const StainTable *table, const uint8_t *rgb)
{
    return stain_clamp(table->eosin[0][rgb[0]] + table->eosin[1][rgb[1]] + table->eosin[2][rgb[2]]);
}
