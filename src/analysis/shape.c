/* SPDX-License-Identifier: Apache-2.0 */
/* See shape.h. */
#include "analysis/shape.h"

#include <math.h>

Ellipse moments_ellipse(const Moments *moments)
{
    double count = (double)moments->count;
    double x = (double)moments->x / count;
    double y = (double)moments->y / count;
    double xx = (double)moments->xx / count - x * x + 1.0 / 12;
    double yy = (double)moments->yy / count - y * y + 1.0 / 12;
    double xy = (double)moments->xy / count - x * y;
    double middle = (xx + yy) / 2;
    double apart = sqrt((xx - yy) * (xx - yy) / 4 + xy * xy);
    return (Ellipse){x + 0.5, y + 0.5, 4 * sqrt(middle + apart), 4 * sqrt(fmax(0, middle - apart))};
}

double shape_roundness(double area, double perimeter)
{
    if (!(perimeter > 0)) {
        return (double)NAN;
    }
    return fmin(1, 4 * M_PI * area / (perimeter * perimeter));
}

double shape_outline_length(int64_t edges, int64_t corners)
{
    /* Each line that meets the shape cuts its outline twice. Lines along the axes lie 1 apart,
     * diagonal ones 1 / sqrt(2); the mean over the four directions times pi is the length. */
    double axial = (double)edges / 2;
    double diagonal = (double)(2 * edges - corners) / 2 * M_SQRT1_2;
    return M_PI * (axial + diagonal) / 4;
}
