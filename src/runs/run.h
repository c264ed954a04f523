/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs and their items: one request to apply an application to slides. TERMINATED is final (see
 * run_may_become); the same rule stands in SQL, in migrations/0002_guards.sql.
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

/* The output of a run: NONE, PARTIAL or FULL, from how many of its items succeeded. */
const char *run_output(int64_t succeeded_count, int64_t item_count);
