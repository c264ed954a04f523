/* SPDX-License-Identifier: Apache-2.0 */
/* See synthetic_artifacts.h. Sizes go with the slide's, within what is believable. */
#include "slides/synthetic_artifacts.h"

#include <math.h>

#define PEN_WIDTH_SHARE 0.012
#define PEN_HALF_UM_MIN 45.0
#define PEN_HALF_UM_MAX 250.0
#define FOLD_WIDTH_SHARE 0.006
#define FOLD_HALF_UM_MIN 18.0
#define FOLD_HALF_UM_MAX 60.0
#define FOLD_EDGE_UM 4.0
#define PEN_EDGE_UM 6.0
#define BLUR_RADIUS_SHARE 0.13
#define BLUR_EDGE_UM 16.0

/* Densities of markers: green, black, red, blue. */
static const double INKS[4][3] = {
    {0.55, 0.16, 0.20}, {1.00, 1.05, 1.10}, {0.05, 0.75, 0.64}, {0.90, 0.55, 0.18}};

static double shorter_side(const Scene *scene)
{
    return fmin(scene->width_um, scene->height_um);
}

static double between(double value, double least, double most)
{
    return fmin(most, fmax(least, value));
}

/* From 0 outside to 1 inside, where `depth_um` is positive. */
static double soft(double depth_um, double edge_um)
{
    return between(0.5 + depth_um / edge_um, 0, 1);
}

double artifact_pen(const Scene *scene, double x_um, double y_um)
{
    double x = x_um / scene->width_um;
    double middle_um = scene->height_um * (0.17 + 0.03 * sin(6 * x));
    double half_um =
        between(PEN_WIDTH_SHARE * shorter_side(scene), PEN_HALF_UM_MIN, PEN_HALF_UM_MAX);
    double ends_um = fmin(x_um - 0.15 * scene->width_um, 0.85 * scene->width_um - x_um);
    return soft(fmin(ends_um, half_um - fabs(y_um - middle_um)), PEN_EDGE_UM);
}

double artifact_fold(const Scene *scene, double x_um, double y_um)
{
    double middle_um = scene->width_um * (0.64 + 0.02 * sin(7 * y_um / scene->height_um));
    double half_um =
        between(FOLD_WIDTH_SHARE * shorter_side(scene), FOLD_HALF_UM_MIN, FOLD_HALF_UM_MAX);
    return soft(half_um - fabs(x_um - middle_um), FOLD_EDGE_UM);
}

double artifact_blur(const Scene *scene, double x_um, double y_um)
{
    double distance_um = hypot(x_um - 0.38 * scene->width_um, y_um - 0.62 * scene->height_um);
    return soft(BLUR_RADIUS_SHARE * shorter_side(scene) - distance_um, BLUR_EDGE_UM);
}

const double *artifact_ink(const Scene *scene)
{
    return INKS[scene->seed % 4];
}

SyntheticQuality artifact_quality(const Scene *scene, bool artifacts, double x_um, double y_um)
{
    if (artifacts && artifact_pen(scene, x_um, y_um) >= 0.5) {
        return SYNTHETIC_PEN;
    }
    if (scene_place(scene, x_um, y_um).tissue == SYNTHETIC_NO_TISSUE) {
        return SYNTHETIC_GLASS;
    }
    if (artifacts && artifact_fold(scene, x_um, y_um) >= 0.5 &&
        scene_place(scene, x_um + ARTIFACT_FOLD_SHIFT_X_UM, y_um + ARTIFACT_FOLD_SHIFT_Y_UM)
                .tissue != SYNTHETIC_NO_TISSUE) {
        return SYNTHETIC_FOLD;
    }
    return artifacts && artifact_blur(scene, x_um, y_um) >= 0.5 ? SYNTHETIC_BLUR : SYNTHETIC_VALID;
}
