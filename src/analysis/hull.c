/* SPDX-License-Identifier: Apache-2.0 */
/* See hull.h. */
#include "analysis/hull.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Areas that differ by no more than this share are equal but for rounding. */
#define AREA_TOLERANCE 1e-12

void hull_init(Hull *hull, int32_t row_count)
{
    size_t side_count = 2 * (size_t)row_count;
    *hull = (Hull){.points = alloc_array(2 * side_count, sizeof(RingPoint)),
                   .right = alloc_array(side_count, sizeof(RingPoint))};
}

void hull_clear(Hull *hull)
{
    alloc_free(hull->points);
    alloc_free(hull->right);
    *hull = (Hull){.points = NULL};
}

static int64_t cross(RingPoint a, RingPoint b, RingPoint c)
{
    return (int64_t)(b.x - a.x) * (c.y - a.y) - (int64_t)(b.y - a.y) * (c.x - a.x);
}

static int64_t dot(RingPoint a, RingPoint b, RingPoint c)
{
    return (int64_t)(b.x - a.x) * (c.x - a.x) + (int64_t)(b.y - a.y) * (c.y - a.y);
}

/* Andrew's monotone chain (Another efficient algorithm for convex hulls in two dimensions, 1979):
 * drops the last points that do not stick out of the way to the next one. `sign` is 1 on the left
 * side and -1 on the right one. */
static void add_point(RingPoint *points, int32_t *count, int sign, RingPoint next)
{
    while (*count >= 2 && sign * cross(points[*count - 2], points[*count - 1], next) >= 0) {
        (*count)--;
    }
    points[(*count)++] = next;
}

void hull_add_row(Hull *hull, int32_t row, int32_t first, int32_t end)
{
    for (int32_t y = row; y <= row + 1; y++) {
        add_point(hull->points, &hull->count, 1, (RingPoint){first, y});
        add_point(hull->right, &hull->right_count, -1, (RingPoint){end, y});
    }
}

/* Down the left side, up the right one. */
void hull_close(Hull *hull)
{
    while (hull->right_count > 0) {
        hull->points[hull->count++] = hull->right[--hull->right_count];
    }
}

int64_t hull_area_doubled(const Hull *hull)
{
    int64_t sum = 0;
    for (int32_t i = 2; i < hull->count; i++) {
        sum += cross(hull->points[0], hull->points[i - 1], hull->points[i]);
    }
    return llabs(sum);
}

static HullRectangle along_edge(const Hull *hull, int32_t edge)
{
    RingPoint a = hull->points[edge];
    RingPoint b = hull->points[(edge + 1) % hull->count];
    int64_t first = 0;
    int64_t last = 0;
    int64_t across = 0; /* the hull lies on one side of its edge */
    for (int32_t i = 0; i < hull->count; i++) {
        int64_t place = dot(a, b, hull->points[i]);
        int64_t distance = llabs(cross(a, b, hull->points[i]));
        first = place < first ? place : first;
        last = place > last ? place : last;
        across = distance > across ? distance : across;
    }
    double length = sqrt((double)dot(a, b, b));
    double along_length = (double)(last - first) / length;
    double across_length = (double)across / length;
    return (HullRectangle){fmax(along_length, across_length), fmin(along_length, across_length)};
}

static bool is_better(const HullRectangle *candidate, const HullRectangle *best)
{
    double area = candidate->longer * candidate->shorter;
    double best_area = best->longer * best->shorter;
    if (fabs(area - best_area) > AREA_TOLERANCE * best_area) {
        return area < best_area;
    }
    return candidate->longer > best->longer;
}

HullRectangle hull_rectangle(const Hull *hull)
{
    HullRectangle best = along_edge(hull, 0);
    for (int32_t edge = 1; edge < hull->count; edge++) {
        HullRectangle candidate = along_edge(hull, edge);
        if (is_better(&candidate, &best)) {
            best = candidate;
        }
    }
    return best;
}
