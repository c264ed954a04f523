/* SPDX-License-Identifier: Apache-2.0 */
/* The truth of a synthetic slide as files; see SyntheticTruth. */
#pragma once
#include "slides/synthetic_scene.h"

MUST_CHECK bool synthetic_truth_write(const SyntheticOptions *options,
                                      const Scene *scene,
                                      const SyntheticTruth *truth,
                                      Error *error);
