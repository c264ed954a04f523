/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foresight: where everything that waits stands in the queue, by playing the rule on from a
 * snapshot with nothing new coming. How long items take is not known, so all take the same time,
 * and those in work end evenly spread over it. Far ahead the play goes in larger and larger steps:
 * it costs O(runs + slots * log(items / slots)) turns, not one an item.
 */
#pragma once
#include "base/queue_curve.h"
#include "jobs/fair_queue.h"

typedef struct SnapshotOrganization {
    const char *organization_id;
    int weight;
    int64_t virtual_time;
    int waiting; /* set by foresee: all its items that wait */
    int tail; /* set by foresee: how many items start on the platform before one more of it would */
} SnapshotOrganization;

typedef struct SnapshotRun {
    FairRunKey key;
    int organization; /* its place in Snapshot.organizations */
    int waiting;      /* at least 1 */
    int in_work;
    QueueCurve curve; /* set by foresee */
} SnapshotRun;

typedef struct Snapshot {
    SnapshotOrganization *organizations;
    SnapshotRun *runs;
    int organization_count;
    int run_count;
    int64_t virtual_time;
    int slots;         /* of all living workers */
    int other_in_work; /* items in work of runs in which nothing waits */
    int batch_max;
} Snapshot;

/* Plays so many items one by one before it takes larger steps. */
#define FORESIGHT_EXACT_ITEMS 20000

void foresee(Snapshot *snapshot, int64_t exact_items);
