/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The areas that discs around cells cover together, for each group of cells and each radius: discs
 * are drawn as bits on the grid of NEIGHBORHOOD_PIXEL_UM, one tile of the grid after the other.
 */
#pragma once
#include "analysis/packed_cells.h"

/* Sets areas_um2 of all. */
MUST_CHECK bool disc_cover_count(const AnalysisResult *result,
                                 const PackedCells *packed,
                                 unsigned thread_count,
                                 Neighborhood neighborhoods[NEIGHBORHOOD_RADIUS_COUNT],
                                 Error *error);
