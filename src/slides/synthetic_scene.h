/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a synthetic slide shows, as functions of a place in microns and the seed. Nuclei stand on a
 * jittered lattice of sites, at most one a site, so that the nuclei of any rectangle are found
 * without looking at the rest of the slide.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct Scene {
    uint64_t seed;
    double width_um;
    double height_um;
} Scene;

typedef enum NucleusKind { NUCLEUS_TUMOUR, NUCLEUS_LYMPHOCYTE, NUCLEUS_STROMAL } NucleusKind;

typedef struct SceneNucleus {
    double x_um;
    double y_um;
    double major_um; /* half axes */
    double minor_um;
    double angle_rad;
    double darkness;   /* optical density of haematoxylin in its body */
    double coarseness; /* of the chromatin, 0 to 1 */
    NucleusKind kind;
} SceneNucleus;

/* Amounts of the two stains, as optical densities along their unit vectors. */
typedef struct SceneStain {
    float haematoxylin;
    float eosin;
} SceneStain;

/* The distance of two sites, and how far a nucleus reaches from its centre at most. */
#define SCENE_SITE_UM 8.5
#define SCENE_REACH_UM 12.0

/* True with *nucleus_out when the site has a nucleus. */
bool scene_nucleus(const Scene *scene, int64_t site_x, int64_t site_y, SceneNucleus *nucleus_out);
/* How much the place belongs to the tissue: > 0 inside. */
double scene_tissue(const Scene *scene, double x_um, double y_um);
/* The stains at a place without nuclei. */
SceneStain scene_background(const Scene *scene, double x_um, double y_um);
/* How much of the nucleus covers the place, 0 to 1, with a soft edge `blur_um` wide. */
double nucleus_cover(const SceneNucleus *nucleus, double x_um, double y_um, double blur_um);
/* Smooth noise from 0 to 1 with features of `scale_um`; `channel` tells fields apart. */
double scene_noise(const Scene *scene, unsigned channel, double x_um, double y_um, double scale_um);
