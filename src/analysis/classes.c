/* SPDX-License-Identifier: Apache-2.0 */
/* Names and colours of the classes, and which are told apart; see classes.h. */
#include "analysis/classes.h"

/* The annotations that the network learns from call all inflammatory cells lymphocytes, and no rule
 * of size and shape was found that tells the others. Each nucleus gets the likeliest class: none is
 * left over. */
const UntoldClasses UNTOLD_CLASSES = {
    .quality = 0,
    .tissue = 0,
    .cells = 1U << CELL_PLASMA | 1U << CELL_MACROPHAGE | 1U << CELL_GRANULOCYTE | 1U << CELL_OTHER,
};

const ClassInfo QUALITY_CLASSES[QUALITY_CLASS_COUNT] = {
    [QUALITY_VALID_TISSUE] = {"Valid Tissue", "VALID_TISSUE", {102, 166, 30}},
    [QUALITY_TISSUE_ARTIFACT] = {"Tissue Artifact", "TISSUE_ARTIFACT", {217, 95, 2}},
    [QUALITY_MARKER] = {"Marker", "MARKER", {31, 120, 180}},
    [QUALITY_OUT_OF_FOCUS] = {"Out Of Focus", "OUT_OF_FOCUS", {231, 41, 138}},
    [QUALITY_NO_TISSUE] = {"No Tissue", "NO_TISSUE", {230, 230, 230}},
};

const ClassInfo TISSUE_CLASSES[TISSUE_CLASS_COUNT] = {
    [TISSUE_CARCINOMA] = {"Carcinoma", "CARCINOMA", {215, 25, 28}},
    [TISSUE_EPITHELIAL] = {"Epithelial Tissue", "EPITHELIAL_TISSUE", {253, 174, 97}},
    [TISSUE_NECROSIS] = {"Necrosis", "NECROSIS", {64, 64, 64}},
    [TISSUE_STROMA] = {"Stroma", "STROMA", {90, 174, 97}},
    [TISSUE_OTHER] = {"Other", "OTHER", {171, 171, 171}},
    [TISSUE_BLOOD] = {"Blood", "BLOOD", {128, 0, 38}},
    [TISSUE_VESSEL] = {"Vessel", "VESSEL", {118, 42, 131}},
};

const ClassInfo CELL_CLASSES[CELL_CLASS_COUNT] = {
    [CELL_CARCINOMA] = {"Carcinoma cell", "CARCINOMA_CELL", {228, 26, 28}},
    [CELL_EPITHELIAL] = {"Epithelial cell", "EPITHELIAL_CELL", {255, 127, 0}},
    [CELL_FIBROBLAST] = {"Fibroblast", "FIBROBLAST", {77, 175, 74}},
    [CELL_ENDOTHELIAL] = {"Endothelial cell", "ENDOTHELIAL_CELL", {152, 78, 163}},
    [CELL_LYMPHOCYTE] = {"Lymphocyte", "LYMPHOCYTE", {55, 126, 184}},
    [CELL_PLASMA] = {"Plasma cell", "PLASMA_CELL", {0, 206, 209}},
    [CELL_MACROPHAGE] = {"Macrophage", "MACROPHAGE", {166, 86, 40}},
    [CELL_GRANULOCYTE] = {"Granulocyte", "GRANULOCYTE", {247, 129, 191}},
    [CELL_OTHER] = {"Other", "OTHER", {128, 128, 128}},
};
