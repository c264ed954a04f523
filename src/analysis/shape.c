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
