/* SPDX-License-Identifier: Apache-2.0 */
/* See synthetic_scene.h. */
#include "slides/synthetic_scene.h"

#include <math.h>

/* One field of noise each, so that they do not resemble each other. */
enum {
    FIELD_TISSUE = 1,
    FIELD_NEST,
    FIELD_INFILTRATE,
    FIELD_FIBRE,
    FIELD_FINE,
    FIELD_SITE = 100,
};

/* Sizes of what one sees on a slide, in microns. */
#define TISSUE_FEATURE_UM 900.0
#define NEST_FEATURE_UM 160.0
#define INFILTRATE_FEATURE_UM 120.0
#define FIBRE_LENGTH_UM 40.0
#define FIBRE_WIDTH_UM 5.0
#define GRAIN_UM 2.5

/* Noise above this is a tumour nest, or a dense lymphocytic infiltrate. */
#define NEST_THRESHOLD 0.52
#define INFILTRATE_THRESHOLD 0.66

/* A nucleus keeps this share of the sum of two radii between itself and a stronger one. */
#define TOUCHING_SHARE 0.92
#define JITTER_UM 2.2

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

static uint64_t place_hash(const Scene *scene, unsigned channel, int64_t x, int64_t y)
{
    uint64_t key = (uint64_t)x * 0x8da6b343U ^ (uint64_t)y * 0xd8163841U << 17;
    return mix(key ^ mix(scene->seed * 0x2545f4914f6cdd1dU + channel));
}

/* The next number from 0 to 1 of a site's own sequence. */
static double draw(uint64_t *state)
{
    *state = mix(*state);
    return (double)(*state >> 11) * 0x1p-53;
}

double scene_noise(const Scene *scene, unsigned channel, double x_um, double y_um, double scale_um)
{
    double x = x_um / scale_um;
    double y = y_um / scale_um;
    int64_t left = (int64_t)floor(x);
    int64_t top = (int64_t)floor(y);
    double fx = x - (double)left;
    double fy = y - (double)top;
    fx = fx * fx * (3 - 2 * fx);
    fy = fy * fy * (3 - 2 * fy);
    double corners[4];
    for (int i = 0; i < 4; i++) {
        uint64_t hash = place_hash(scene, channel, left + (i & 1), top + (i >> 1));
        corners[i] = (double)(hash >> 40) * 0x1p-24;
    }
    double upper = corners[0] + (corners[1] - corners[0]) * fx;
    double lower = corners[2] + (corners[3] - corners[2]) * fx;
    return upper + (lower - upper) * fy;
}

double scene_tissue(const Scene *scene, double x_um, double y_um)
{
    double dx = (x_um / scene->width_um - 0.5) * 2;
    double dy = (y_um / scene->height_um - 0.5) * 2;
    double edge = scene_noise(scene, FIELD_TISSUE, x_um, y_um, TISSUE_FEATURE_UM) - 0.5;
    double rough = scene_noise(scene, FIELD_TISSUE, x_um, y_um, NEST_FEATURE_UM) - 0.5;
    return 0.80 - sqrt(dx * dx + dy * dy) + 0.35 * edge + 0.06 * rough;
}

static bool in_nest(const Scene *scene, double x_um, double y_um)
{
    return scene_noise(scene, FIELD_NEST, x_um, y_um, NEST_FEATURE_UM) > NEST_THRESHOLD;
}

static bool
choose_kind(const Scene *scene, const SceneNucleus *nucleus, uint64_t *state, NucleusKind *kind_out)
{
    double chance = draw(state);
    if (in_nest(scene, nucleus->x_um, nucleus->y_um)) {
        *kind_out = chance < 0.04 ? NUCLEUS_LYMPHOCYTE : NUCLEUS_TUMOUR;
        return chance < 0.75;
    }
    double infiltrate =
        scene_noise(scene, FIELD_INFILTRATE, nucleus->x_um, nucleus->y_um, INFILTRATE_FEATURE_UM);
    bool dense = infiltrate > INFILTRATE_THRESHOLD;
    *kind_out = chance < (dense ? 0.60 : 0.05) ? NUCLEUS_LYMPHOCYTE : NUCLEUS_STROMAL;
    return chance < (dense ? 0.75 : 0.25);
}

/* Radii and darkness by kind, in microns and optical density; after histology textbooks:
 * lymphocytes about 7 microns across, round and dark; tumour nuclei 8 to 13 and vesicular;
 * fibroblasts slender. */
static void choose_shape(SceneNucleus *nucleus, uint64_t *state)
{
    double size = draw(state);
    double slimness = draw(state);
    double darkness = draw(state);
    nucleus->angle_rad = draw(state) * 3.14159265358979323846;
    switch (nucleus->kind) {
    case NUCLEUS_TUMOUR:
        nucleus->major_um = 4.2 + 1.8 * size;
        nucleus->minor_um = nucleus->major_um * (0.70 + 0.28 * slimness);
        nucleus->darkness = 0.62 + 0.25 * darkness;
        nucleus->coarseness = 0.55;
        break;
    case NUCLEUS_LYMPHOCYTE:
        nucleus->major_um = 3.1 + 0.6 * size;
        nucleus->minor_um = nucleus->major_um * (0.88 + 0.12 * slimness);
        nucleus->darkness = 1.00 + 0.25 * darkness;
        nucleus->coarseness = 0.20;
        break;
    case NUCLEUS_STROMAL:
        nucleus->major_um = 5.2 + 2.4 * size;
        nucleus->minor_um = 1.5 + 0.6 * slimness;
        nucleus->darkness = 0.72 + 0.25 * darkness;
        nucleus->coarseness = 0.25;
        break;
    }
}

/* What the site would hold if it were alone; `rank_out` decides between neighbours. */
static bool candidate(const Scene *scene,
                      int64_t site_x,
                      int64_t site_y,
                      SceneNucleus *nucleus_out,
                      uint64_t *rank_out)
{
    uint64_t state = place_hash(scene, FIELD_SITE, site_x, site_y);
    *rank_out = state;
    nucleus_out->x_um = ((double)site_x + 0.5) * SCENE_SITE_UM + (draw(&state) * 2 - 1) * JITTER_UM;
    nucleus_out->y_um = ((double)site_y + 0.5) * SCENE_SITE_UM + (draw(&state) * 2 - 1) * JITTER_UM;
    if (scene_tissue(scene, nucleus_out->x_um, nucleus_out->y_um) <= 0.02 ||
        !choose_kind(scene, nucleus_out, &state, &nucleus_out->kind)) {
        return false;
    }
    choose_shape(nucleus_out, &state);
    return true;
}

/* The half width of the ellipse in the direction of the other nucleus. */
static double radius_towards(const SceneNucleus *nucleus, double dx, double dy, double distance)
{
    double along = (dx * cos(nucleus->angle_rad) + dy * sin(nucleus->angle_rad)) / distance;
    double across = sqrt(fmax(0, 1 - along * along));
    double a = along / nucleus->major_um;
    double b = across / nucleus->minor_um;
    return 1 / sqrt(a * a + b * b);
}

static bool collide(const SceneNucleus *one, const SceneNucleus *other)
{
    double dx = other->x_um - one->x_um;
    double dy = other->y_um - one->y_um;
    double distance = sqrt(dx * dx + dy * dy) + 1e-9;
    double radii = radius_towards(one, dx, dy, distance) + radius_towards(other, dx, dy, distance);
    return distance < TOUCHING_SHARE * radii;
}

bool scene_nucleus(const Scene *scene, int64_t site_x, int64_t site_y, SceneNucleus *nucleus_out)
{
    SceneNucleus nucleus = {0};
    uint64_t rank = 0;
    if (!candidate(scene, site_x, site_y, &nucleus, &rank)) {
        return false;
    }
    for (int64_t y = site_y - 1; y <= site_y + 1; y++) {
        for (int64_t x = site_x - 1; x <= site_x + 1; x++) {
            SceneNucleus other = {0};
            uint64_t other_rank = 0;
            if ((x != site_x || y != site_y) && candidate(scene, x, y, &other, &other_rank) &&
                other_rank > rank && collide(&nucleus, &other)) {
                return false;
            }
        }
    }
    *nucleus_out = nucleus;
    return true;
}

SceneStain scene_background(const Scene *scene, double x_um, double y_um)
{
    double grain = scene_noise(scene, FIELD_FINE, x_um, y_um, GRAIN_UM) - 0.5;
    double depth = scene_tissue(scene, x_um, y_um);
    if (depth <= 0) {
        return (SceneStain){0, (float)(0.02 + 0.01 * grain)};
    }
    double edge = depth < 0.02 ? depth / 0.02 : 1;
    if (in_nest(scene, x_um, y_um)) {
        return (SceneStain){(float)(edge * (0.14 + 0.08 * grain)),
                            (float)(edge * (0.26 + 0.10 * grain))};
    }
    /* Fibres run along a slowly turning direction: noise stretched in the rotated frame. */
    double turn = scene_noise(scene, FIELD_FIBRE, x_um, y_um, 2 * TISSUE_FEATURE_UM) * 3;
    double along = x_um * cos(turn) + y_um * sin(turn);
    double across = y_um * cos(turn) - x_um * sin(turn);
    double fibre = scene_noise(scene, FIELD_FIBRE, along * FIBRE_WIDTH_UM / FIBRE_LENGTH_UM, across,
                               FIBRE_WIDTH_UM);
    return (SceneStain){(float)(edge * (0.04 + 0.04 * grain)),
                        (float)(edge * (0.16 + 0.36 * fibre + 0.10 * grain))};
}

double nucleus_cover(const SceneNucleus *nucleus, double x_um, double y_um, double blur_um)
{
    double dx = x_um - nucleus->x_um;
    double dy = y_um - nucleus->y_um;
    double cosine = cos(nucleus->angle_rad);
    double sine = sin(nucleus->angle_rad);
    double along = (dx * cosine + dy * sine) / nucleus->major_um;
    double across = (dy * cosine - dx * sine) / nucleus->minor_um;
    double distance_um = (sqrt(along * along + across * across) - 1) * nucleus->minor_um;
    return fmin(1, fmax(0, 0.5 - distance_um / blur_um));
}
