/* SPDX-License-Identifier: Apache-2.0 */
/* See outline.h. */
#include "analysis/outline.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Directions clockwise on the screen: right, down, left, up. */
static const int STEP_X[4] = {1, 0, -1, 0};
static const int STEP_Y[4] = {0, 1, 0, -1};

/* A pixel of the region and the side at which the border is being followed. */
typedef struct BorderPlace {
    int32_t x;
    int32_t y;
    int direction; /* in which the tracer walks, the outside on its left */
} BorderPlace;

static bool inside(const LabelImage *image, uint32_t label, int32_t x, int32_t y)
{
    return x >= 0 && y >= 0 && x < image->size.width && y < image->size.height &&
           image->labels[(size_t)y * (size_t)image->size.width + (size_t)x] == label;
}

/* Along one pixel's side to the next: around an outer corner, straight on, or into an inner one.
 * The pixel ahead must belong to the region before the one ahead on the left may count: regions
 * are 4-connected. */
static BorderPlace next_place(const LabelImage *image, uint32_t label, BorderPlace place)
{
    int32_t x = place.x + STEP_X[place.direction];
    int32_t y = place.y + STEP_Y[place.direction];
    int left = (place.direction + 3) % 4;
    if (!inside(image, label, x, y)) {
        return (BorderPlace){place.x, place.y, (place.direction + 1) % 4};
    }
    if (!inside(image, label, x + STEP_X[left], y + STEP_Y[left])) {
        return (BorderPlace){x, y, place.direction};
    }
    return (BorderPlace){x + STEP_X[left], y + STEP_Y[left], left};
}

uint32_t
outline_trace(const LabelImage *image, size_t pixel, CellPoint points_out[OUTLINE_POINTS_MAX])
{
    uint32_t label = image->labels[pixel];
    BorderPlace start = {(int32_t)(pixel % (size_t)image->size.width),
                         (int32_t)(pixel / (size_t)image->size.width), 0};
    BorderPlace place = start;
    uint32_t count = 0;
    do {
        if (count == OUTLINE_POINTS_MAX) {
            return 0;
        }
        int left = (place.direction + 3) % 4;
        points_out[count++] = (CellPoint){(float)place.x + 0.5F + 0.5F * (float)STEP_X[left],
                                          (float)place.y + 0.5F + 0.5F * (float)STEP_Y[left]};
        place = next_place(image, label, place);
    } while (place.x != start.x || place.y != start.y || place.direction != start.direction);
    return count;
}

static double cross_of(CellPoint origin, CellPoint a, CellPoint b)
{
    return ((double)a.x_px - origin.x_px) * ((double)b.y_px - origin.y_px) -
           ((double)a.y_px - origin.y_px) * ((double)b.x_px - origin.x_px);
}

/* The square root is correctly rounded everywhere, and far cheaper than hypot. */
static double distance_of(CellPoint a, CellPoint b)
{
    double dx = (double)a.x_px - b.x_px;
    double dy = (double)a.y_px - b.y_px;
    return sqrt(dx * dx + dy * dy);
}

/* The square of the distance. */
static double squared_to_edge(CellPoint point, CellPoint a, CellPoint b)
{
    double dx = (double)b.x_px - a.x_px;
    double dy = (double)b.y_px - a.y_px;
    double squared = dx * dx + dy * dy;
    double share =
        squared > 0
            ? (((double)point.x_px - a.x_px) * dx + ((double)point.y_px - a.y_px) * dy) / squared
            : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    double off_x = (double)point.x_px - (a.x_px + share * dx);
    double off_y = (double)point.y_px - (a.y_px + share * dy);
    return off_x * off_x + off_y * off_y;
}

typedef struct Range {
    uint32_t first;
    uint32_t last;
} Range;

/* The point between `first` and `last` (modulo count) farthest from the edge between the two, and
 * the square of its distance. */
static uint32_t
farthest_between(const CellPoint *points, uint32_t count, Range range, double *squared_out)
{
    uint32_t best = range.first;
    double most = -1;
    for (uint32_t i = range.first + 1; i < range.last; i++) {
        double squared =
            squared_to_edge(points[i], points[range.first], points[range.last % count]);
        if (squared > most) {
            most = squared;
            best = i;
        }
    }
    *squared_out = most;
    return best;
}

/* Marks the points that Douglas and Peucker's method keeps in the range; its ends are kept. */
static void
mark_kept(const CellPoint *points, uint32_t count, Range all, double tolerance, bool *kept)
{
    Range stack[OUTLINE_POINTS_MAX];
    uint32_t depth = 0;
    stack[depth++] = all;
    while (depth > 0) {
        Range range = stack[--depth];
        double squared = 0;
        uint32_t middle = farthest_between(points, count, range, &squared);
        if (squared > tolerance * tolerance) {
            kept[middle] = true;
            assert(depth + 2 <= OUTLINE_POINTS_MAX);
            stack[depth++] = (Range){range.first, middle};
            stack[depth++] = (Range){middle, range.last};
        }
    }
}

static uint32_t farthest_point(const CellPoint *points, uint32_t count)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (distance_of(points[i], points[0]) > distance_of(points[best], points[0])) {
            best = i;
        }
    }
    return best;
}

uint32_t outline_thin(CellPoint *points, uint32_t count, double tolerance)
{
    assert(count >= 3 && count <= OUTLINE_POINTS_MAX);
    bool kept[OUTLINE_POINTS_MAX] = {false};
    uint32_t far = farthest_point(points, count);
    kept[0] = true;
    kept[far] = true;
    mark_kept(points, count, (Range){0, far}, tolerance, kept);
    mark_kept(points, count, (Range){far, count}, tolerance, kept);
    CellPoint thin[OUTLINE_POINTS_MAX];
    uint32_t thin_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept[i]) {
            thin[thin_count++] = points[i];
        }
    }
    if (thin_count < 3 || thin_count > OUTLINE_THIN_POINTS_MAX ||
        !outline_simple(thin, thin_count)) {
        return outline_hull(points, count);
    }
    memcpy(points, thin, thin_count * sizeof *thin);
    return thin_count;
}

static int compare_points(const void *left, const void *right)
{
    const CellPoint *a = left;
    const CellPoint *b = right;
    if (a->x_px != b->x_px) {
        return a->x_px < b->x_px ? -1 : 1;
    }
    return (a->y_px > b->y_px) - (a->y_px < b->y_px);
}

/* Adds a point to a chain that turns one way only; `floor` points at its start stay. */
static uint32_t extend_chain(CellPoint *chain, uint32_t count, uint32_t floor, CellPoint point)
{
    while (count >= floor + 2 && cross_of(chain[count - 2], chain[count - 1], point) <= 0) {
        count--;
    }
    chain[count] = point;
    return count + 1;
}

uint32_t outline_hull(CellPoint *points, uint32_t count)
{
    assert(count >= 3 && count <= OUTLINE_POINTS_MAX);
    CellPoint chain[OUTLINE_POINTS_MAX + 2];
    qsort(points, count, sizeof *points, compare_points);
    uint32_t length = 0;
    for (uint32_t i = 0; i < count; i++) {
        length = extend_chain(chain, length, 0, points[i]);
    }
    uint32_t lower = length - 1;
    for (uint32_t i = count - 1; i-- > 0;) {
        length = extend_chain(chain, length, lower, points[i]);
    }
    memcpy(points, chain, (length - 1) * sizeof *chain);
    return length - 1;
}

double outline_area(const CellPoint *points, uint32_t count)
{
    double twice = 0;
    for (uint32_t i = 0; i < count; i++) {
        twice += cross_of(points[0], points[i], points[(i + 1) % count]);
    }
    return fabs(twice) / 2;
}

double outline_length(const CellPoint *points, uint32_t count)
{
    double length = 0;
    for (uint32_t i = 0; i < count; i++) {
        length += distance_of(points[i], points[(i + 1) % count]);
    }
    return length;
}

static int sign_of(double value)
{
    return (value > 0) - (value < 0);
}

static bool within_box(CellPoint point, CellPoint a, CellPoint b)
{
    return point.x_px >= fminf(a.x_px, b.x_px) && point.x_px <= fmaxf(a.x_px, b.x_px) &&
           point.y_px >= fminf(a.y_px, b.y_px) && point.y_px <= fmaxf(a.y_px, b.y_px);
}

static bool edges_touch(CellPoint a, CellPoint b, CellPoint c, CellPoint d)
{
    int side_c = sign_of(cross_of(a, b, c));
    int side_d = sign_of(cross_of(a, b, d));
    int side_a = sign_of(cross_of(c, d, a));
    int side_b = sign_of(cross_of(c, d, b));
    if (side_c * side_d < 0 && side_a * side_b < 0) {
        return true;
    }
    return (side_c == 0 && within_box(c, a, b)) || (side_d == 0 && within_box(d, a, b)) ||
           (side_a == 0 && within_box(a, c, d)) || (side_b == 0 && within_box(b, c, d));
}

bool outline_simple(const CellPoint *points, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = i + 2; k < count; k++) {
            if (i == 0 && k == count - 1) {
                continue;
            }
            if (edges_touch(points[i], points[i + 1], points[k], points[(k + 1) % count])) {
                return false;
            }
        }
    }
    return true;
}
