/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a synthetic slide shows, as functions of a place in microns and the seed. Nuclei stand on a
 * jittered lattice of sites, at most one a site, and glands and vessels in the cells of a coarser
 * one, so that what any rectangle holds is found without looking at the rest of the slide.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "slides/synthetic.h"

typedef struct Scene {
    uint64_t seed;
    double width_um;
    double height_um;
} Scene;

/* A gland or a vessel: a disc around an empty or blood-filled lumen. */
typedef struct SceneRing {
    double x_um;
    double y_um;
    double radius_um;
    double lumen_um;         /* radius */
    SyntheticTissue content; /* what the lumen counts as; SYNTHETIC_EPITHELIAL: it is a gland */
} SceneRing;

typedef struct ScenePlace {
    SyntheticTissue tissue; /* SYNTHETIC_NO_TISSUE: glass */
    double depth;           /* in the tissue: 0 at its border, then growing */
    bool in_ring;           /* the next two are known */
    SceneRing ring;
    double ring_um; /* from the ring's middle */
} ScenePlace;

typedef struct SceneNucleus {
    double x_um;
    double y_um;
    double major_um; /* half axes */
    double minor_um;
    double angle_rad;
    double darkness;   /* optical density of haematoxylin in its body */
    double coarseness; /* of the chromatin, 0 to 1 */
    bool lobed;        /* two discs instead of an ellipse */
    SyntheticCell kind;
} SceneNucleus;

/* Amounts of the two stains, as optical densities along their unit vectors. */
typedef struct SceneStain {
    float haematoxylin;
    float eosin;
} SceneStain;

/* The distance of two sites, and how far a nucleus reaches from its centre at most. */
#define SCENE_SITE_UM 8.5
#define SCENE_REACH_UM 12.0

ScenePlace scene_place(const Scene *scene, double x_um, double y_um);
/* True with *nucleus_out when the site has a nucleus. */
bool scene_nucleus(const Scene *scene, int64_t site_x, int64_t site_y, SceneNucleus *nucleus_out);
/* The stains at a place without nuclei. */
SceneStain scene_background(const Scene *scene, double x_um, double y_um);
/* How much of the nucleus covers the place, 0 to 1, with a soft edge `blur_um` wide. */
double nucleus_cover(const SceneNucleus *nucleus, double x_um, double y_um, double blur_um);

/* Fields of noise, so that they do not resemble each other. */
typedef enum SceneField {
    FIELD_TISSUE = 1,
    FIELD_NEST,
    FIELD_INFILTRATE,
    FIELD_FIBRE,
    FIELD_FINE,
    FIELD_NECROSIS,
    FIELD_FAT,
    FIELD_DUST,
    FIELD_TEXTURE,
    FIELD_CHROMATIN = 50,
    FIELD_SITE = 100,
    FIELD_RING,
} SceneField;

/* Smooth noise from 0 to 1 with features of `scale_um`. */
double scene_noise(const Scene *scene, SceneField field, double x_um, double y_um, double scale_um);
/* A number that belongs to a cell of a lattice. */
uint64_t scene_hash(const Scene *scene, SceneField field, int64_t x, int64_t y);
/* The next number from 0 to 1 of a sequence that begins with a hash. */
double scene_draw(uint64_t *state);
