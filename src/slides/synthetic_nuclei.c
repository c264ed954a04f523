/* SPDX-License-Identifier: Apache-2.0 */
/* The nuclei of a scene; see synthetic_scene.h. */
#include <math.h>

#include "slides/synthetic_scene.h"

/* A nucleus keeps this share of the sum of two radii between itself and a stronger one. */
#define TOUCHING_SHARE 0.92
#define JITTER_UM 2.2
#define INFILTRATE_FEATURE_UM 120.0
/* Noise above this is a dense infiltrate. */
#define INFILTRATE_THRESHOLD 0.66
/* Nuclei stay this far from a lumen, and lie that close to a vessel's if they line it. */
#define LUMEN_GAP_UM 3.5
#define LINING_UM 5.0
#define LOBE_SHARE 0.62

/* Shapes after histology textbooks, in microns and optical density: the half axis of the smallest
 * and how much more the largest has; the minor axis as a share of it. */
typedef struct Shape {
    double major_um;
    double major_more_um;
    double minor_share;
    double minor_more_share;
    double darkness;
    double coarseness;
} Shape;

static const Shape SHAPES[] = {
    [SYNTHETIC_CARCINOMA_CELL] = {4.2, 1.8, 0.70, 0.28, 0.62, 0.55},
    [SYNTHETIC_EPITHELIAL_CELL] = {3.7, 0.8, 0.74, 0.18, 0.58, 0.50},
    [SYNTHETIC_FIBROBLAST] = {5.2, 2.4, 0.26, 0.09, 0.72, 0.25},
    [SYNTHETIC_ENDOTHELIAL_CELL] = {4.6, 1.4, 0.28, 0.08, 0.75, 0.20},
    [SYNTHETIC_LYMPHOCYTE] = {3.1, 0.6, 0.88, 0.12, 1.00, 0.20},
    [SYNTHETIC_PLASMA_CELL] = {3.7, 0.5, 0.86, 0.12, 0.90, 0.60},
    [SYNTHETIC_MACROPHAGE] = {5.0, 1.0, 0.74, 0.16, 0.50, 0.35},
    [SYNTHETIC_GRANULOCYTE] = {3.4, 0.5, 0.56, 0.06, 1.00, 0.15},
};
/* How much darker the darkest nucleus of a kind is. */
#define DARKER 0.25

static SyntheticCell infiltrating_kind(double chance)
{
    if (chance < 0.70) {
        return SYNTHETIC_LYMPHOCYTE;
    }
    if (chance < 0.85) {
        return SYNTHETIC_PLASMA_CELL;
    }
    return chance < 0.93 ? SYNTHETIC_MACROPHAGE : SYNTHETIC_GRANULOCYTE;
}

static bool kind_in_ring(const ScenePlace *place, double chance, SyntheticCell *kind_out)
{
    double from_lumen = place->ring_um - place->ring.lumen_um;
    if (place->ring.content == SYNTHETIC_EPITHELIAL) {
        *kind_out = SYNTHETIC_EPITHELIAL_CELL;
        return from_lumen > LUMEN_GAP_UM && chance < 0.85;
    }
    *kind_out = SYNTHETIC_ENDOTHELIAL_CELL;
    return from_lumen > 0 && from_lumen < LINING_UM && chance < 0.75;
}

static bool kind_in_stroma(const Scene *scene,
                           const SceneNucleus *nucleus,
                           double chance,
                           uint64_t *state,
                           SyntheticCell *kind_out)
{
    double infiltrate =
        scene_noise(scene, FIELD_INFILTRATE, nucleus->x_um, nucleus->y_um, INFILTRATE_FEATURE_UM);
    bool dense = infiltrate > INFILTRATE_THRESHOLD;
    *kind_out = SYNTHETIC_FIBROBLAST;
    if (chance < (dense ? 0.60 : 0.05)) {
        *kind_out = infiltrating_kind(scene_draw(state));
    }
    return chance < (dense ? 0.75 : 0.25);
}

static bool choose_kind(const Scene *scene,
                        const SceneNucleus *nucleus,
                        const ScenePlace *place,
                        uint64_t *state,
                        SyntheticCell *kind_out)
{
    double chance = scene_draw(state);
    if (place->in_ring) {
        return kind_in_ring(place, chance, kind_out);
    }
    switch (place->tissue) {
    case SYNTHETIC_CARCINOMA:
        *kind_out = chance < 0.04 ? SYNTHETIC_LYMPHOCYTE : SYNTHETIC_CARCINOMA_CELL;
        return chance < 0.75;
    case SYNTHETIC_STROMA:
        return kind_in_stroma(scene, nucleus, chance, state, kind_out);
    case SYNTHETIC_NO_TISSUE:
    case SYNTHETIC_EPITHELIAL:
    case SYNTHETIC_NECROSIS:
    case SYNTHETIC_OTHER:
    case SYNTHETIC_BLOOD:
    case SYNTHETIC_VESSEL:
        break;
    }
    return false;
}

static void choose_shape(const ScenePlace *place, SceneNucleus *nucleus, uint64_t *state)
{
    const Shape *shape = &SHAPES[nucleus->kind];
    double size = scene_draw(state);
    double slimness = scene_draw(state);
    double darkness = scene_draw(state);
    nucleus->angle_rad = scene_draw(state) * M_PI;
    if (place->in_ring) {
        /* Across the wall of a gland, along that of a vessel. */
        double outwards = atan2(nucleus->y_um - place->ring.y_um, nucleus->x_um - place->ring.x_um);
        bool gland = place->ring.content == SYNTHETIC_EPITHELIAL;
        nucleus->angle_rad = outwards + (gland ? 0 : M_PI_2);
    }
    nucleus->major_um = shape->major_um + shape->major_more_um * size;
    nucleus->minor_um =
        nucleus->major_um * (shape->minor_share + shape->minor_more_share * slimness);
    nucleus->darkness = shape->darkness + DARKER * darkness;
    nucleus->coarseness = shape->coarseness;
    nucleus->lobed = nucleus->kind == SYNTHETIC_GRANULOCYTE;
}

/* What the site would hold if it were alone; `rank_out` decides between neighbours. */
static bool candidate(const Scene *scene,
                      int64_t site_x,
                      int64_t site_y,
                      SceneNucleus *nucleus_out,
                      uint64_t *rank_out)
{
    uint64_t state = scene_hash(scene, FIELD_SITE, site_x, site_y);
    *rank_out = state;
    nucleus_out->x_um =
        ((double)site_x + 0.5) * SCENE_SITE_UM + (scene_draw(&state) * 2 - 1) * JITTER_UM;
    nucleus_out->y_um =
        ((double)site_y + 0.5) * SCENE_SITE_UM + (scene_draw(&state) * 2 - 1) * JITTER_UM;
    ScenePlace place = scene_place(scene, nucleus_out->x_um, nucleus_out->y_um);
    if (place.depth <= 0.02 ||
        !choose_kind(scene, nucleus_out, &place, &state, &nucleus_out->kind)) {
        return false;
    }
    choose_shape(&place, nucleus_out, &state);
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

/* Inside an ellipse around a point of the nucleus' own axes, in microns. */
static double
ellipse_cover(double along_um, double across_um, double major_um, double minor_um, double blur_um)
{
    double along = along_um / major_um;
    double across = across_um / minor_um;
    double distance_um = (sqrt(along * along + across * across) - 1) * minor_um;
    return fmin(1, fmax(0, 0.5 - distance_um / blur_um));
}

double nucleus_cover(const SceneNucleus *nucleus, double x_um, double y_um, double blur_um)
{
    double dx = x_um - nucleus->x_um;
    double dy = y_um - nucleus->y_um;
    double cosine = cos(nucleus->angle_rad);
    double sine = sin(nucleus->angle_rad);
    double along = dx * cosine + dy * sine;
    double across = dy * cosine - dx * sine;
    double major = nucleus->major_um;
    double minor = nucleus->minor_um;
    if (!nucleus->lobed) {
        return ellipse_cover(along, across, major, minor, blur_um);
    }
    double lobe = LOBE_SHARE * major;
    double offset = major - lobe;
    return fmax(ellipse_cover(along - offset, across, lobe, minor, blur_um),
                ellipse_cover(along + offset, across, lobe, minor, blur_um));
}
