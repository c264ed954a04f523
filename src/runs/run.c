/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of runs; see run.h. */
#include "runs/run.h"

#include <assert.h>

static const char *const STATE_NAMES[RUN_STATE_COUNT] = {
    [RUN_PENDING] = "PENDING",
    [RUN_PROCESSING] = "PROCESSING",
    [RUN_TERMINATED] = "TERMINATED",
};

static const bool MAY_BECOME[RUN_STATE_COUNT][RUN_STATE_COUNT] = {
    [RUN_PENDING] = {[RUN_PROCESSING] = true, [RUN_TERMINATED] = true},
    [RUN_PROCESSING] = {[RUN_PENDING] = true, [RUN_TERMINATED] = true},
};

const char *run_state_name(RunState state)
{
    assert(state < RUN_STATE_COUNT);
    return STATE_NAMES[state];
}

bool run_may_become(RunState from, RunState to)
{
    assert(from < RUN_STATE_COUNT && to < RUN_STATE_COUNT);
    return MAY_BECOME[from][to];
}

static const char *const OUTPUT_NAMES[ARTIFACT_OUTPUT_COUNT] = {
    [ARTIFACT_AVAILABLE] = "AVAILABLE",
    [ARTIFACT_DELETED_BY_USER] = "DELETED_BY_USER",
    [ARTIFACT_DELETED_BY_SYSTEM] = "DELETED_BY_SYSTEM",
};

static const bool OUTPUT_MAY_BECOME[ARTIFACT_OUTPUT_COUNT][ARTIFACT_OUTPUT_COUNT] = {
    [ARTIFACT_AVAILABLE] = {[ARTIFACT_DELETED_BY_USER] = true, [ARTIFACT_DELETED_BY_SYSTEM] = true},
};

const char *artifact_output_name(ArtifactOutput output)
{
    assert(output < ARTIFACT_OUTPUT_COUNT);
    return OUTPUT_NAMES[output];
}

bool artifact_may_become(ArtifactOutput from, ArtifactOutput to)
{
    assert(from < ARTIFACT_OUTPUT_COUNT && to < ARTIFACT_OUTPUT_COUNT);
    return OUTPUT_MAY_BECOME[from][to];
}

const char *run_output(int64_t succeeded_count, int64_t item_count)
{
    if (succeeded_count == 0) {
        return "NONE";
    }
    return succeeded_count == item_count ? "FULL" : "PARTIAL";
}
