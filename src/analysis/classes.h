/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classes that he-tme tells apart: the quality of each place of a slide, its tissue, and each
 * cell. Names and order are the same in every output; a class map holds these numbers.
 */
#pragma once
#include <stdint.h>

/* Of each place of the slide. 0 is what was not looked at: outside the image. */
typedef enum QualityClass {
    QUALITY_NONE,
    QUALITY_VALID_TISSUE,
    QUALITY_TISSUE_ARTIFACT,
    QUALITY_MARKER,
    QUALITY_OUT_OF_FOCUS,
    QUALITY_NO_TISSUE,
    QUALITY_CLASS_COUNT
} QualityClass;

/* Of each place of valid tissue; 0 elsewhere. */
typedef enum TissueClass {
    TISSUE_NONE,
    TISSUE_CARCINOMA,
    TISSUE_EPITHELIAL,
    TISSUE_NECROSIS,
    TISSUE_STROMA,
    TISSUE_OTHER,
    TISSUE_BLOOD,
    TISSUE_VESSEL,
    TISSUE_CLASS_COUNT
} TissueClass;

typedef enum CellClass {
    CELL_NONE,
    CELL_CARCINOMA,
    CELL_EPITHELIAL,
    CELL_FIBROBLAST,
    CELL_ENDOTHELIAL,
    CELL_LYMPHOCYTE,
    CELL_PLASMA,
    CELL_MACROPHAGE,
    CELL_GRANULOCYTE,
    CELL_OTHER,
    CELL_CLASS_COUNT
} CellClass;

typedef struct ClassInfo {
    const char *name;   /* "Epithelial Tissue", for people and GeoJSON */
    const char *column; /* "EPITHELIAL_TISSUE", as part of a readout's column name */
    uint8_t color[3];   /* RGB in class maps and overlays */
} ClassInfo;

/* Classes that an analysis cannot tell from others: a bit for each, class_bit(class). It never
 * gives them, and what is reported of them is missing rather than zero. */
typedef struct UntoldClasses {
    uint16_t quality;
    uint16_t tissue;
    uint16_t cells;
} UntoldClasses;

static inline uint16_t class_bit(int class)
{
    return (uint16_t)(1U << class);
}

extern const UntoldClasses UNTOLD_CLASSES;

/* Indexed by class; entry 0 has no name (NULL). */
extern const ClassInfo QUALITY_CLASSES[QUALITY_CLASS_COUNT];
extern const ClassInfo TISSUE_CLASSES[TISSUE_CLASS_COUNT];
extern const ClassInfo CELL_CLASSES[CELL_CLASS_COUNT];
