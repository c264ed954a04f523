/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quality of each place: glass, tissue, ink, folds, blur. The first four are seen in the mean
 * colours; blur needs the details that were measured at the work grid's resolution.
 */
#pragma once
#include "analysis/maps.h"
#include "analysis/result.h"
#include "analysis/stain.h"

/* The colour of empty glass: the brightest hundredth of each channel. */
void quality_white(const SlideMaps *maps, double white_out[3]);

/* Fills `quality->classes` from the mean colours: NO_TISSUE, MARKER, TISSUE_ARTIFACT (folds) or
 * VALID_TISSUE. */
void quality_from_colors(const SlideMaps *maps,
                         const double white[3],
                         unsigned thread_count,
                         ClassMap *quality);

/* Turns valid tissue whose details are smeared into OUT_OF_FOCUS. */
void quality_from_details(const SlideMaps *maps, unsigned thread_count, ClassMap *quality);
