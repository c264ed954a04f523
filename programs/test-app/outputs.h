/* SPDX-License-Identifier: Apache-2.0 */
/* The files that the test application makes of a grid, and output.json that names them. Each holds
 * the attempt's id, so that one can see which attempt wrote it. */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "grid.h"

typedef struct OutputContext {
    const char *folder;
    const char *attempt_id;
    double resolution_mpp; /* 0: unknown */
} OutputContext;

MUST_CHECK bool outputs_write(const Grid *grid, const OutputContext *context, Error *error);
