/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs, their items and output artifacts: one request to apply an application to slides. What may
 * follow upon what stands in the tables behind x_may_become; the same rules stand in SQL, in
 * migrations/0002_guards.sql, beside the names of the functions that make the moves.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* PENDING waits for a worker; PROCESSING has an item with a live lease; TERMINATED never changes
 * again. An item has the same states. */
typedef enum RunState { RUN_PENDING, RUN_PROCESSING, RUN_TERMINATED, RUN_STATE_COUNT } RunState;

/* "PENDING", "PROCESSING", "TERMINATED". */
const char *run_state_name(RunState state);
bool run_may_become(RunState from, RunState to);

/* An output artifact of an item that succeeded; deleted is final. */
typedef enum ArtifactOutput {
    ARTIFACT_AVAILABLE,
    ARTIFACT_DELETED_BY_USER,
    ARTIFACT_DELETED_BY_SYSTEM,
    ARTIFACT_OUTPUT_COUNT
} ArtifactOutput;

/* "AVAILABLE", "DELETED_BY_USER", "DELETED_BY_SYSTEM". */
const char *artifact_output_name(ArtifactOutput output);
bool artifact_may_become(ArtifactOutput from, ArtifactOutput to);

/* The output of a run: NONE, PARTIAL or FULL, from how many of its items succeeded. */
const char *run_output(int64_t succeeded_count, int64_t item_count);
