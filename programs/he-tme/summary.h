/* SPDX-License-Identifier: Apache-2.0 */
/* What he-tme analyze tells on standard output when it is done. */
#pragma once
#include "analysis/result.h"
#include "outputs.h"

/* The same for people, and as one JSON document in one line. `seconds` counts from the start of the
 * command; a megapixel of tissue has a million pixels of 0.5 microns. */
void summary_print(const AnalysisResult *result, const Outputs *outputs, double seconds);
void summary_print_json(const AnalysisResult *result, const Outputs *outputs, double seconds);
