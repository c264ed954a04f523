/* SPDX-License-Identifier: Apache-2.0 */
/* See stain.h. */
#include "analysis/stain.h"

#include <math.h>
#include <string.h>

/* Pixels fainter than this (sum of the channels' densities) say little about a stain. */
#define FAINT_DENSITY 0.45
#define SAMPLES_MIN 2000
#define ANGLE_BINS 720
#define PERCENTILE 0.01
/* Plausible pairs: cosines of 30, 40 and 10 degrees. */
#define HAEMATOXYLIN_COSINE 0.8660
#define EOSIN_COSINE 0.7660
#define APART_COSINE 0.9848

const double STAIN_HAEMATOXYLIN[3] = {0.650, 0.704, 0.286};
const double STAIN_EOSIN[3] = {0.072, 0.990, 0.105};

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void normalize(double vector[3])
{
    double length = sqrt(dot(vector, vector));
    for (int c = 0; c < 3 && length > 0; c++) {
        vector[c] /= length;
    }
}

static void cross(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

double stain_density(double intensity, double white)
{
    return -log10(fmax(intensity, 1) / white);
}

/* Pixels, and the density of each level of their channels: there are far more pixels than levels.
 */
typedef struct Samples {
    const uint8_t *rgb;
    size_t count;
    double densities[3][256];
} Samples;

static void
samples_init(Samples *samples, const StainBasis *basis, const uint8_t *rgb, size_t count)
{
    samples->rgb = rgb;
    samples->count = count;
    for (int c = 0; c < 3; c++) {
        for (int level = 0; level < 256; level++) {
            samples->densities[c][level] = fmax(0, stain_density(level, basis->white[c]));
        }
    }
}

/* Densities of one pixel; false when it is too faint to count. */
static bool pixel_density(const Samples *samples, size_t pixel, double density_out[3])
{
    double sum = 0;
    for (int c = 0; c < 3; c++) {
        density_out[c] = samples->densities[c][samples->rgb[pixel * 3 + (size_t)c]];
        sum += density_out[c];
    }
    return sum >= FAINT_DENSITY;
}

/* The second moments of the densities about the origin; returns how many pixels count. */
static size_t second_moments(const Samples *samples, double moments_out[3][3])
{
    size_t used = 0;
    memset(moments_out, 0, 9 * sizeof(double));
    for (size_t i = 0; i < samples->count; i++) {
        double density[3];
        if (!pixel_density(samples, i, density)) {
            continue;
        }
        used++;
        for (int r = 0; r < 3; r++) {
            for (int c = 0; c < 3; c++) {
                moments_out[r][c] += density[r] * density[c];
            }
        }
    }
    return used;
}

/* The eigenvector of the largest eigenvalue, by power iteration: 64 steps are far more than the
 * gap between the stains' and the noise's eigenvalues needs. */
static void principal_vector(double matrix[3][3], double vector_out[3])
{
    double vector[3] = {0.6, 0.7, 0.4};
    for (int step = 0; step < 64; step++) {
        double next[3];
        for (int r = 0; r < 3; r++) {
            next[r] = dot(matrix[r], vector);
        }
        normalize(next);
        memcpy(vector, next, sizeof vector);
    }
    memcpy(vector_out, vector, sizeof vector);
}

static void deflate(double matrix[3][3], const double vector[3])
{
    double image[3];
    for (int r = 0; r < 3; r++) {
        image[r] = dot(matrix[r], vector);
    }
    double value = dot(image, vector);
    for (int r = 0; r < 3; r++) {
        for (int c = 0; c < 3; c++) {
            matrix[r][c] -= value * vector[r] * vector[c];
        }
    }
}

/* The angles, in the plane of the two axes, below and above which PERCENTILE of the pixels lie. */
static void extreme_angles(const Samples *samples, double axes[2][3], double angles_out[2])
{
    uint32_t histogram[ANGLE_BINS] = {0};
    size_t used = 0;
    for (size_t i = 0; i < samples->count; i++) {
        double density[3];
        if (pixel_density(samples, i, density)) {
            double angle = atan2(dot(density, axes[1]), dot(density, axes[0]));
            int bin = (int)((angle + M_PI_2) / M_PI * ANGLE_BINS);
            histogram[bin < 0 ? 0 : bin >= ANGLE_BINS ? ANGLE_BINS - 1 : bin]++;
            used++;
        }
    }
    double rest = PERCENTILE * (double)used;
    int low = 0;
    double below = histogram[low];
    while (below < rest && low + 1 < ANGLE_BINS) {
        below += histogram[++low];
    }
    int high = ANGLE_BINS - 1;
    double above = histogram[high];
    while (above < rest && high > 0) {
        above += histogram[--high];
    }
    angles_out[0] = (low + 0.5) / ANGLE_BINS * M_PI - M_PI_2;
    angles_out[1] = (high + 0.5) / ANGLE_BINS * M_PI - M_PI_2;
}

static void vector_at(double axes[2][3], double angle, double out[3])
{
    for (int c = 0; c < 3; c++) {
        out[c] = fmax(0, axes[0][c] * cos(angle) + axes[1][c] * sin(angle));
    }
    normalize(out);
}

static bool pair_plausible(const double haematoxylin[3], const double eosin[3])
{
    return dot(haematoxylin, STAIN_HAEMATOXYLIN) >= HAEMATOXYLIN_COSINE &&
           dot(eosin, STAIN_EOSIN) >= EOSIN_COSINE && haematoxylin[0] > eosin[0] &&
           dot(haematoxylin, eosin) <= APART_COSINE;
}

bool stain_estimate(StainBasis *basis, const uint8_t *rgb, size_t count)
{
    memcpy(basis->haematoxylin, STAIN_HAEMATOXYLIN, sizeof STAIN_HAEMATOXYLIN);
    memcpy(basis->eosin, STAIN_EOSIN, sizeof STAIN_EOSIN);
    normalize(basis->haematoxylin);
    normalize(basis->eosin);
    Samples samples;
    samples_init(&samples, basis, rgb, count);
    double moments[3][3];
    if (second_moments(&samples, moments) < SAMPLES_MIN) {
        return false;
    }
    double axes[2][3];
    principal_vector(moments, axes[0]);
    deflate(moments, axes[0]);
    principal_vector(moments, axes[1]);
    double angles[2];
    extreme_angles(&samples, axes, angles);
    double ends[2][3];
    vector_at(axes, angles[0], ends[0]);
    vector_at(axes, angles[1], ends[1]);
    /* Haematoxylin absorbs more red. */
    int first = ends[0][0] > ends[1][0] ? 0 : 1;
    if (!pair_plausible(ends[first], ends[1 - first])) {
        return false;
    }
    memcpy(basis->haematoxylin, ends[first], sizeof ends[first]);
    memcpy(basis->eosin, ends[1 - first], sizeof ends[first]);
    return true;
}

/* Row of the inverse of the matrix with columns (a, b, c): b x c / det. */
static void inverse_row(const double a[3], const double b[3], const double c[3], double out[3])
{
    cross(b, c, out);
    double determinant = dot(a, out);
    for (int i = 0; i < 3; i++) {
        out[i] /= determinant;
    }
}

void stain_table_init(StainTable *table, const StainBasis *basis)
{
    double residual[3];
    cross(basis->haematoxylin, basis->eosin, residual);
    normalize(residual);
    double haematoxylin[3];
    double eosin[3];
    inverse_row(basis->haematoxylin, basis->eosin, residual, haematoxylin);
    inverse_row(basis->eosin, residual, basis->haematoxylin, eosin);
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 256; i++) {
            double density = stain_density(i, basis->white[c]) * STAIN_UNIT;
            table->haematoxylin[c][i] = (int16_t)lround(density * haematoxylin[c]);
            table->eosin[c][i] = (int16_t)lround(density * eosin[c]);
        }
    }
}
