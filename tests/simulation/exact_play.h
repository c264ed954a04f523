/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What jobs/foresight.h works out quickly, item by item and by looking at everything each time.
 * Written apart from it and from jobs/fair_queue.c: the rule as it reads.
 */
#pragma once
#include "jobs/foresight.h"

/* positions[run][place]: how many items start before it in its organisation and on the platform.
 * The caller has made the arrays, as long as the runs have waiting items. */
void play_exactly(const Snapshot *snapshot, QueueKnot **positions);
