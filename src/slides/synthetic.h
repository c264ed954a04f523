/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic H&E slides for tests and demonstrations: glass, a piece of tissue with tumour nests in
 * stroma, and nuclei of three kinds, each of them known. A slide is a pure function of its
 * options; it is written tile by tile, so that its size is bounded by the disk and not by memory.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

typedef enum SyntheticCompression { SYNTHETIC_JPEG, SYNTHETIC_DEFLATE } SyntheticCompression;

typedef struct SyntheticOptions {
    int64_t width_px;
    int64_t height_px;
    double mpp; /* microns per pixel */
    uint64_t seed;
    SyntheticCompression compression;
} SyntheticOptions;

/* 4096 x 4096 px at 0.5 microns per pixel, seed 1, JPEG. */
extern const SyntheticOptions SYNTHETIC_DEFAULTS;

/* Writes a pyramidal tiled TIFF to `path` and, unless `truth_csv_path` is NULL, a CSV with a
 * header and one line for every nucleus whose centre is inside the image:
 * id,x_px,y_px,major_radius_px,minor_radius_px,angle_rad,class
 * in level 0 pixels and the class names of he-tme ("Carcinoma cell", "Lymphocyte", "Fibroblast").
 */
MUST_CHECK bool slide_synthesize(const SyntheticOptions *options,
                                 const char *path,
                                 const char *truth_csv_path,
                                 Error *error);
