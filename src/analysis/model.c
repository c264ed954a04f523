/* SPDX-License-Identifier: Apache-2.0 */
/* See model.h. */
#include "analysis/model.h"

#include "analysis_model.h"

bool model_read(Network **network_out, Error *error)
{
    return network_read(ANALYSIS_MODEL, ANALYSIS_MODEL_SIZE, network_out, error) ||
           error_context(error, "the network that is built in");
}
