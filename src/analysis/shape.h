/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of shape, all from counts of pixels that anybody can repeat; lengths and areas are in
 * pixels here. docs/he-tme.md names the readouts that hold them.
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

/* The ellipse with the same second moments (Haralick and Shapiro: Computer and Robot Vision, 1992):
 * half axes 2 * sqrt(eigenvalue of the covariance matrix). Each pixel is a unit square, which adds
 * 1/12 to the variance along each axis. */
Ellipse moments_ellipse(const Moments *moments);

/* How round a shape is: 4 pi area / perimeter^2, 1 for a disc and less for all else (Cox: A method
 * of assigning numerical and percentage values to the degree of roundness of sand grains, Journal
 * of Paleontology 1, 1927). Lengths of pixel outlines are estimates: what comes out above 1 is 1.
 * NaN without a perimeter. */
double shape_roundness(double area, double perimeter);

/* The length of a smooth outline of which only its pixels are known, from a closed path along the
 * edges of the pixels: how many edges it has, and how many corners. It is Cauchy's and Crofton's
 * formula with lines in four directions (Legland, Kieu and Devaux: Computation of Minkowski
 * measures on 2D and 3D binary images, Image Analysis and Stereology 26, 2007), in which each edge
 * is cut by one line along an axis, and each point of the path by two diagonal lines, or by one if
 * it is a corner. A rectangle with sides along the axes comes out up to 5 % too short. */
double shape_outline_length(int64_t edges, int64_t corners);
