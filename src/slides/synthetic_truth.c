/* SPDX-License-Identifier: Apache-2.0 */
/* See synthetic_truth.h. Everything is written as it is computed. */
#include "slides/synthetic_truth.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "slides/synthetic_artifacts.h"
#include "slides/tiff_handle.h"

#define MAP_UM 4.0
enum { MAP_TILE_PX = 256 };

/* In he-tme's names. */
static const char *const CELL_NAMES[SYNTHETIC_CELL_COUNT] = {
    [SYNTHETIC_CARCINOMA_CELL] = "Carcinoma cell",
    [SYNTHETIC_EPITHELIAL_CELL] = "Epithelial cell",
    [SYNTHETIC_FIBROBLAST] = "Fibroblast",
    [SYNTHETIC_ENDOTHELIAL_CELL] = "Endothelial cell",
    [SYNTHETIC_LYMPHOCYTE] = "Lymphocyte",
    [SYNTHETIC_PLASMA_CELL] = "Plasma cell",
    [SYNTHETIC_MACROPHAGE] = "Macrophage",
    [SYNTHETIC_GRANULOCYTE] = "Granulocyte",
};

typedef struct TruthMap {
    const SyntheticOptions *options;
    const Scene *scene;
    bool of_tissue;
    int64_t scale; /* level 0 pixels of a map pixel */
    int64_t width_px;
    int64_t height_px;
} TruthMap;

static void write_lines(const SyntheticOptions *options, const Scene *scene, FILE *file)
{
    int64_t columns = (int64_t)(scene->width_um / SCENE_SITE_UM) + 1;
    int64_t rows = (int64_t)(scene->height_um / SCENE_SITE_UM) + 1;
    int64_t id = 0;
    fputs("id,x_px,y_px,major_radius_px,minor_radius_px,angle_rad,class,quality\n", file);
    for (int64_t y = -1; y <= rows; y++) {
        for (int64_t x = -1; x <= columns; x++) {
            SceneNucleus nucleus;
            if (!scene_nucleus(scene, x, y, &nucleus)) {
                continue;
            }
            double x_px = nucleus.x_um / options->mpp;
            double y_px = nucleus.y_um / options->mpp;
            if (x_px >= 0 && y_px >= 0 && x_px < (double)options->width_px &&
                y_px < (double)options->height_px) {
                SyntheticQuality quality =
                    artifact_quality(scene, options->artifacts, nucleus.x_um, nucleus.y_um);
                fprintf(file, "%lld,%.2f,%.2f,%.2f,%.2f,%.3f,%s,%d\n", (long long)++id, x_px, y_px,
                        nucleus.major_um / options->mpp, nucleus.minor_um / options->mpp,
                        nucleus.angle_rad, CELL_NAMES[nucleus.kind], (int)quality);
            }
        }
    }
}

static bool
write_cells(const SyntheticOptions *options, const Scene *scene, const char *path, Error *error)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return error_set(error, ERROR_INVALID, "%s: %s", path, strerror(errno));
    }
    write_lines(options, scene, file);
    bool failed = ferror(file) != 0;
    failed = fclose(file) != 0 || failed;
    return !failed || error_set(error, ERROR_UNAVAILABLE, "%s: %s", path, strerror(errno));
}

static uint8_t class_at(const TruthMap *map, int64_t column, int64_t row)
{
    double scale_um = (double)map->scale * map->options->mpp;
    double x_um = ((double)column + 0.5) * scale_um;
    double y_um = ((double)row + 0.5) * scale_um;
    SyntheticQuality quality = artifact_quality(map->scene, map->options->artifacts, x_um, y_um);
    if (!map->of_tissue) {
        return (uint8_t)quality;
    }
    bool valid = quality == SYNTHETIC_VALID;
    return (uint8_t)(valid ? scene_place(map->scene, x_um, y_um).tissue : SYNTHETIC_NO_TISSUE);
}

static void set_fields(TIFF *tiff, const TruthMap *map)
{
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)map->width_px);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)map->height_px);
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, (uint32_t)MAP_TILE_PX);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, (uint32_t)MAP_TILE_PX);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
}

static bool write_map(const TruthMap *map, const char *path, Error *error)
{
    CLEANUP(tiff_handle_close) TiffHandle handle = {0};
    if (!tiff_handle_open(&handle, path, "w", error)) {
        return false;
    }
    set_fields(handle.tiff, map);
    uint8_t tile[MAP_TILE_PX * MAP_TILE_PX];
    for (int64_t top = 0; top < map->height_px; top += MAP_TILE_PX) {
        for (int64_t left = 0; left < map->width_px; left += MAP_TILE_PX) {
            for (int64_t i = 0; i < MAP_TILE_PX * MAP_TILE_PX; i++) {
                tile[i] = class_at(map, left + i % MAP_TILE_PX, top + i / MAP_TILE_PX);
            }
            if (TIFFWriteTile(handle.tiff, tile, (uint32_t)left, (uint32_t)top, 0, 0) < 0) {
                return tiff_handle_error(&handle, "The truth cannot be written", error);
            }
        }
    }
    return true;
}

bool synthetic_truth_write(const SyntheticOptions *options,
                           const Scene *scene,
                           const SyntheticTruth *truth,
                           Error *error)
{
    TruthMap map = {.options = options, .scene = scene};
    map.scale = (int64_t)fmax(1, round(MAP_UM / options->mpp));
    map.width_px = (options->width_px + map.scale - 1) / map.scale;
    map.height_px = (options->height_px + map.scale - 1) / map.scale;
    if (truth->cells_path != NULL && !write_cells(options, scene, truth->cells_path, error)) {
        return false;
    }
    if (truth->quality_path != NULL && !write_map(&map, truth->quality_path, error)) {
        return false;
    }
    map.of_tissue = true;
    return truth->tissue_path == NULL || write_map(&map, truth->tissue_path, error);
}
