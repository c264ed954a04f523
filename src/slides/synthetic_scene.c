/* SPDX-License-Identifier: Apache-2.0 */
/* The tissue of a scene; see synthetic_scene.h. */
#include "slides/synthetic_scene.h"

#include <math.h>

/* Sizes of what one sees on a slide, in microns. */
#define TISSUE_FEATURE_UM 900.0
#define NEST_FEATURE_UM 160.0
#define NECROSIS_FEATURE_UM 600.0
#define FAT_FEATURE_UM 700.0
#define FIBRE_LENGTH_UM 40.0
#define FIBRE_WIDTH_UM 5.0
#define GRAIN_UM 2.5
/* As fine as a sharp picture at 20x shows. */
#define TEXTURE_UM 0.7
#define TEXTURE_CONTRAST 0.5
#define DUST_UM 1.0
/* Glands and vessels: one at most in each cell of a lattice. */
#define RING_CELL_UM 210.0
#define RING_DEPTH_MIN 0.08
#define GLAND_SHARE 0.22
#define VESSEL_SHARE 0.14
#define BLOOD_SHARE 0.12
#define VESSEL_WALL_UM 7.0
/* Fat cells: discs in a lattice. */
#define FAT_CELL_UM 62.0
#define FAT_WALL_UM 2.5

/* Noise above this is a tumour nest, necrosis, fat. */
#define NEST_THRESHOLD 0.52
#define NECROSIS_THRESHOLD 0.80
#define FAT_THRESHOLD 0.70
/* The outermost tissue fades out. */
#define EDGE_DEPTH 0.02

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

uint64_t scene_hash(const Scene *scene, SceneField field, int64_t x, int64_t y)
{
    uint64_t key = (uint64_t)x * 0x8da6b343U ^ (uint64_t)y * 0xd8163841U << 17;
    return mix(key ^ mix(scene->seed * 0x2545f4914f6cdd1dU + (uint64_t)field));
}

double scene_draw(uint64_t *state)
{
    *state = mix(*state);
    return (double)(*state >> 11) * 0x1p-53;
}

double scene_noise(const Scene *scene, SceneField field, double x_um, double y_um, double scale_um)
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
        uint64_t hash = scene_hash(scene, field, left + (i & 1), top + (i >> 1));
        corners[i] = (double)(hash >> 40) * 0x1p-24;
    }
    double upper = corners[0] + (corners[1] - corners[0]) * fx;
    double lower = corners[2] + (corners[3] - corners[2]) * fx;
    return upper + (lower - upper) * fy;
}

static double depth_in_tissue(const Scene *scene, double x_um, double y_um)
{
    double dx = (x_um / scene->width_um - 0.5) * 2;
    double dy = (y_um / scene->height_um - 0.5) * 2;
    double edge = scene_noise(scene, FIELD_TISSUE, x_um, y_um, TISSUE_FEATURE_UM) - 0.5;
    double rough = scene_noise(scene, FIELD_TISSUE, x_um, y_um, NEST_FEATURE_UM) - 0.5;
    return 0.80 - sqrt(dx * dx + dy * dy) + 0.35 * edge + 0.06 * rough;
}

/* The ring of the lattice's cell in which the place lies, and whether it covers the place. */
static bool find_ring(const Scene *scene, double x_um, double y_um, ScenePlace *place)
{
    int64_t column = (int64_t)floor(x_um / RING_CELL_UM);
    int64_t row = (int64_t)floor(y_um / RING_CELL_UM);
    uint64_t state = scene_hash(scene, FIELD_RING, column, row);
    double chance = scene_draw(&state);
    if (chance >= GLAND_SHARE + VESSEL_SHARE + BLOOD_SHARE) {
        return false;
    }
    double size = scene_draw(&state);
    SceneRing ring;
    if (chance < GLAND_SHARE) {
        ring.radius_um = 55 + 35 * size;
        ring.lumen_um = 0.40 * ring.radius_um;
        ring.content = SYNTHETIC_EPITHELIAL;
    } else {
        ring.lumen_um = 20 + 22 * size;
        ring.radius_um = ring.lumen_um + VESSEL_WALL_UM;
        ring.content = chance < GLAND_SHARE + VESSEL_SHARE ? SYNTHETIC_VESSEL : SYNTHETIC_BLOOD;
    }
    double room = RING_CELL_UM - 2 * ring.radius_um;
    ring.x_um = (double)column * RING_CELL_UM + ring.radius_um + room * scene_draw(&state);
    ring.y_um = (double)row * RING_CELL_UM + ring.radius_um + room * scene_draw(&state);
    double distance = hypot(x_um - ring.x_um, y_um - ring.y_um);
    if (distance >= ring.radius_um ||
        depth_in_tissue(scene, ring.x_um, ring.y_um) < RING_DEPTH_MIN) {
        return false;
    }
    place->ring = ring;
    place->ring_um = distance;
    return true;
}

static SyntheticTissue tissue_in_ring(const ScenePlace *place)
{
    if (place->ring.content == SYNTHETIC_EPITHELIAL) {
        return SYNTHETIC_EPITHELIAL;
    }
    return place->ring_um < place->ring.lumen_um ? place->ring.content : SYNTHETIC_STROMA;
}

ScenePlace scene_place(const Scene *scene, double x_um, double y_um)
{
    ScenePlace place = {SYNTHETIC_NO_TISSUE, depth_in_tissue(scene, x_um, y_um), false, {0}, 0};
    if (place.depth <= 0) {
        return place;
    }
    place.in_ring = find_ring(scene, x_um, y_um, &place);
    if (place.in_ring) {
        place.tissue = tissue_in_ring(&place);
    } else if (scene_noise(scene, FIELD_FAT, x_um, y_um, FAT_FEATURE_UM) > FAT_THRESHOLD) {
        place.tissue = SYNTHETIC_OTHER;
    } else if (scene_noise(scene, FIELD_NECROSIS, x_um, y_um, NECROSIS_FEATURE_UM) >
               NECROSIS_THRESHOLD) {
        place.tissue = SYNTHETIC_NECROSIS;
    } else {
        bool nest = scene_noise(scene, FIELD_NEST, x_um, y_um, NEST_FEATURE_UM) > NEST_THRESHOLD;
        place.tissue = nest ? SYNTHETIC_CARCINOMA : SYNTHETIC_STROMA;
    }
    return place;
}

/* Fibres run along a slowly turning direction: noise stretched in the rotated frame. */
static double fibre_at(const Scene *scene, double x_um, double y_um)
{
    double turn = scene_noise(scene, FIELD_FIBRE, x_um, y_um, 2 * TISSUE_FEATURE_UM) * 3;
    double along = x_um * cos(turn) + y_um * sin(turn);
    double across = y_um * cos(turn) - x_um * sin(turn);
    return scene_noise(scene, FIELD_FIBRE, along * FIBRE_WIDTH_UM / FIBRE_LENGTH_UM, across,
                       FIBRE_WIDTH_UM);
}

/* Thin walls around what is empty. */
static double fat_wall(double x_um, double y_um)
{
    double row = floor(y_um / FAT_CELL_UM);
    double shifted = x_um + (fmod(row, 2) != 0 ? FAT_CELL_UM / 2 : 0);
    double dx = shifted - (floor(shifted / FAT_CELL_UM) + 0.5) * FAT_CELL_UM;
    double dy = y_um - (row + 0.5) * FAT_CELL_UM;
    return hypot(dx, dy) > FAT_CELL_UM / 2 - FAT_WALL_UM ? 1 : 0;
}

static SceneStain stain_of(double haematoxylin, double eosin)
{
    return (SceneStain){(float)haematoxylin, (float)eosin};
}

static SceneStain
stroma_stain(const Scene *scene, double x_um, double y_um, double grain, double edge)
{
    double fibre = fibre_at(scene, x_um, y_um);
    return stain_of(edge * (0.04 + 0.04 * grain), edge * (0.16 + 0.36 * fibre + 0.10 * grain));
}

/* Densities after what one sees: cytoplasm of tumours is basophilic, of blood purely eosinophilic;
 * necrosis is eosinophilic with dust of nuclei. */
static SceneStain smooth_background(const Scene *scene, double x_um, double y_um)
{
    double grain = scene_noise(scene, FIELD_FINE, x_um, y_um, GRAIN_UM) - 0.5;
    ScenePlace place = scene_place(scene, x_um, y_um);
    double edge = place.depth < EDGE_DEPTH ? place.depth / EDGE_DEPTH : 1;
    switch (place.tissue) {
    case SYNTHETIC_CARCINOMA:
        return stain_of(edge * (0.14 + 0.08 * grain), edge * (0.26 + 0.10 * grain));
    case SYNTHETIC_EPITHELIAL:
        if (place.ring_um < place.ring.lumen_um) {
            return stain_of(0, 0.02 + 0.01 * grain);
        }
        return stain_of(0.13 + 0.06 * grain, 0.22 + 0.10 * grain);
    case SYNTHETIC_NECROSIS: {
        double dust = scene_noise(scene, FIELD_DUST, x_um, y_um, DUST_UM);
        return stain_of(0.14 + (dust > 0.72 ? 0.45 : 0) + 0.05 * grain, 0.38 + 0.12 * grain);
    }
    case SYNTHETIC_BLOOD:
        return stain_of(0.01, 0.80 + 0.25 * grain);
    case SYNTHETIC_VESSEL:
        return stain_of(0, 0.02 + 0.01 * grain);
    case SYNTHETIC_OTHER: {
        double wall = fat_wall(x_um, y_um);
        return stain_of(0.03 * wall, 0.02 + 0.28 * wall);
    }
    case SYNTHETIC_STROMA:
        return stroma_stain(scene, x_um, y_um, grain, edge);
    case SYNTHETIC_NO_TISSUE:
        break;
    }
    return stain_of(0, 0.02 + 0.01 * grain);
}

SceneStain scene_background(const Scene *scene, double x_um, double y_um)
{
    SceneStain stain = smooth_background(scene, x_um, y_um);
    double texture = scene_noise(scene, FIELD_TEXTURE, x_um, y_um, TEXTURE_UM) - 0.5;
    float factor = (float)(1 + TEXTURE_CONTRAST * texture);
    return (SceneStain){stain.haematoxylin * factor, stain.eosin * factor};
}
