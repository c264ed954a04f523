/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments of a region, and the ellipse that has the same ones (Haralick and Shapiro: Computer and
 * Robot Vision, 1992): half axes 2 * sqrt(eigenvalue of the covariance matrix).
 */
#pragma once
#include <stdint.h>

/* Sums over the pixels of a region; coordinates relative to any fixed pixel. */
typedef struct Moments {
    int64_t count;
    int64_t x;
    int64_t y;
    int64_t xx;
    int64_t yy;
    int64_t xy;
} Moments;

static inline void moments_add(Moments *moments, int64_t x, int64_t y)
{
    moments->count++;
    moments->x += x;
    moments->y += y;
    moments->xx += x * x;
    moments->yy += y * y;
    moments->xy += x * y;
}

typedef struct Ellipse {
    double x; /* middle, in pixels; the middle of pixel 0 is 0.5 */
    double y;
    double major; /* whole axes in pixels */
    double minor;
} Ellipse;

/* Each pixel is a unit square, which adds 1/12 to the variance along each axis. */
Ellipse moments_ellipse(const Moments *moments);
