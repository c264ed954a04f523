/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a synthetic slide: a pen's stroke across its upper part, a fold from top to
 * bottom, where tissue from beside it lies on top, and a blurred disc. Shares run from 0 to 1 with
 * soft edges; places are in microns.
 */
#pragma once
#include "slides/synthetic_scene.h"

double artifact_pen(const Scene *scene, double x_um, double y_um);
double artifact_fold(const Scene *scene, double x_um, double y_um);
double artifact_blur(const Scene *scene, double x_um, double y_um);

/* The optical densities of the ink in red, green and blue. */
const double *artifact_ink(const Scene *scene);
/* How far beside a fold the tissue comes from. */
#define ARTIFACT_FOLD_SHIFT_X_UM 310.0
#define ARTIFACT_FOLD_SHIFT_Y_UM 130.0
/* The standard deviation of the blur. */
#define ARTIFACT_BLUR_UM 1.8

/* The quality of a place, with the artifacts or without. */
SyntheticQuality artifact_quality(const Scene *scene, bool artifacts, double x_um, double y_um);
