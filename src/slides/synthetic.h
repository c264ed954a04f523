/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic H&E slides for tests and demonstrations: glass and a piece of tissue with tumour nests,
 * glands, vessels, blood, fat and necrosis in stroma, nuclei of eight kinds and, on demand, a pen's
 * mark, a fold and a blurred part, all of them known. A slide is a pure function of its options;
 * it is written tile by tile, so that its size is bounded by the disk and not by memory.
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
    bool artifacts; /* a pen's mark (its colour goes by the seed), a fold and a blurred part */
} SyntheticOptions;

/* 4096 x 4096 px at 0.5 microns per pixel, seed 1, JPEG, no artifacts. */
extern const SyntheticOptions SYNTHETIC_DEFAULTS;

/* The classes of the truth have the numbers of he-tme's class maps. */
typedef enum SyntheticQuality {
    SYNTHETIC_VALID = 1,
    SYNTHETIC_FOLD,
    SYNTHETIC_PEN,
    SYNTHETIC_BLUR,
    SYNTHETIC_GLASS,
} SyntheticQuality;

typedef enum SyntheticTissue {
    SYNTHETIC_NO_TISSUE,
    SYNTHETIC_CARCINOMA,
    SYNTHETIC_EPITHELIAL, /* glands with their lumina */
    SYNTHETIC_NECROSIS,
    SYNTHETIC_STROMA,
    SYNTHETIC_OTHER, /* fat */
    SYNTHETIC_BLOOD,
    SYNTHETIC_VESSEL, /* an empty lumen */
} SyntheticTissue;

typedef enum SyntheticCell {
    SYNTHETIC_CARCINOMA_CELL,
    SYNTHETIC_EPITHELIAL_CELL,
    SYNTHETIC_FIBROBLAST,
    SYNTHETIC_ENDOTHELIAL_CELL,
    SYNTHETIC_LYMPHOCYTE,
    SYNTHETIC_PLASMA_CELL,
    SYNTHETIC_MACROPHAGE,
    SYNTHETIC_GRANULOCYTE,
    SYNTHETIC_CELL_COUNT
} SyntheticCell;

/* Where the truth is written to; NULL: not at all. */
typedef struct SyntheticTruth {
    /* A CSV with a header and one line for every nucleus whose centre is inside the image:
     * id,x_px,y_px,major_radius_px,minor_radius_px,angle_rad,class,quality
     * in level 0 pixels, the class in the names of he-tme ("Carcinoma cell"), the quality of its
     * place as SyntheticQuality. */
    const char *cells_path;
    /* Grey TIFFs with one SyntheticQuality, or SyntheticTissue, for each place of about 4 microns
     * (round(4 / mpp) level 0 pixels), at its middle. Tissue is told of valid places only. */
    const char *quality_path;
    const char *tissue_path;
} SyntheticTruth;

/* Writes a pyramidal tiled TIFF to `path`, and the truth unless it is NULL. */
MUST_CHECK bool slide_synthesize(const SyntheticOptions *options,
                                 const char *path,
                                 const SyntheticTruth *truth,
                                 Error *error);
