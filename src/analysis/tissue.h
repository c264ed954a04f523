/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tissue of each place of valid tissue, from the stain around it and from the kinds of the
 * nuclei in it; and the final class of each cell, which depends on the tissue it lies in.
 */
#pragma once
#include "analysis/cells.h"
#include "analysis/maps.h"
#include "analysis/result.h"
#include "analysis/stain.h"

typedef struct TissueScene {
    const SlideMaps *maps;
    const ClassMap *quality;
    const StainTable *stain;
    const CellList *cells; /* in the order of their centroids; those in valid tissue count */
    const CellKinds *kinds;
    unsigned thread_count;
} TissueScene;

/* Fills `tissue->classes` on the grid of `quality`: TISSUE_NONE outside of valid tissue. */
void tissue_classify(const TissueScene *scene, ClassMap *tissue);

/* Sets tissue_class and cell_class of every cell, and drops those outside of valid tissue (as blur
 * is, which is known only now) and those in blood and necrosis, where cells are not reported. */
void tissue_finish_cells(const ClassMap *tissue, unsigned thread_count, TileCells *cells);
