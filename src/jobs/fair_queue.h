/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler's rule as pure functions over a state in memory: which items start next
 * (docs/scheduling.md). Organisations share the slots by start-time fair queueing: each has a
 * virtual time that grows by items / weight as it is served, and the one with the smallest goes
 * first. SQL's claim_items is the same rule over tables; a test compares them.
 *
 * P. Goyal, H. M. Vin, H. Cheng: Start-time Fair Queueing: A Scheduling Algorithm for Integrated
 * Services Packet Switching Networks. SIGCOMM 1996.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/uuid.h"

/* Virtual time goes in millionths of an item of an organisation of weight 1. */
#define FAIR_ITEM INT64_C(1000000)
/* A run without a due date comes after all that have one. */
#define FAIR_NEVER_DUE INT64_MAX

enum {
    FAIR_BATCH_MAX = 64,  /* items of one run in work at once */
    FAIR_CLASSES_MAX = 8, /* kinds of workers that runs ask for */
    FAIR_WEIGHT_MAX = 1000000
};

typedef struct FairQueue FairQueue;
typedef struct FairOrganization FairOrganization;
typedef struct FairRun FairRun;

/* The order of the runs of an organisation, field by field. */
typedef struct FairRunKey {
    int64_t due_us;
    int64_t submitted_us;
    Uuid run_id;
} FairRunKey;

typedef struct FairRunState {
    FairRunKey key;
    int first_ordinal; /* the first item that was never tried */
    int item_count;    /* of the run: ordinals go up to this */
    int in_work;
    int resource_class; /* below FAIR_CLASSES_MAX */
    void *context;      /* the caller's */
} FairRunState;

/* The items of one run that one turn takes, in the order in which they start. */
typedef struct FairTurn {
    FairRun *run;
    int count;
    int ordinals[FAIR_BATCH_MAX];
} FairTurn;

/* How many items each of `run_count` runs with waiting items may have in work so that all of them
 * find a slot, within 1 … batch_max. */
int fair_batch_limit(int64_t slots, int64_t run_count, int batch_max);

FairQueue *fair_queue_create(int batch_limit, int64_t virtual_time);
void fair_queue_destroy(FairQueue *queue);
/* Virtual time at which an organisation was served last. */
int64_t fair_queue_virtual_time(const FairQueue *queue);
/* O(runs): done once a second at most. */
void fair_queue_set_batch_limit(FairQueue *queue, int batch_limit);

/* The id is copied; weight is 1 … FAIR_WEIGHT_MAX. Lives as long as the queue. */
FairOrganization *fair_queue_add_organization(FairQueue *queue,
                                              const char *organization_id,
                                              int weight,
                                              int64_t virtual_time);
int64_t fair_organization_virtual_time(const FairOrganization *organization);

FairRun *
fair_queue_add_run(FairQueue *queue, FairOrganization *organization, const FairRunState *state);
/* The run has ended: nothing of it waits any more. `run` is gone. */
void fair_queue_remove_run(FairQueue *queue, FairRun *run);
void *fair_run_context(const FairRun *run);
/* Items whose time has come. */
int fair_run_waiting(const FairRun *run);
int fair_run_in_work(const FairRun *run);

/* `count` items of the run are no longer in work. */
void fair_queue_release(FairQueue *queue, FairRun *run, int count);
/* An item that was tried waits again, until ready_at_us as fair_queue_advance tells the time. */
void fair_queue_retry(FairQueue *queue, FairRun *run, int ordinal, int64_t ready_at_us);
/* The time: items that wait for it become eligible. */
void fair_queue_advance(FairQueue *queue, int64_t now_us);

/* One turn of a worker that offers the classes of a bit mask and wants up to `wanted` items (at
 * least 1; a turn takes FAIR_BATCH_MAX at most): O(log n) in the number of organisations and runs.
 * The items are in work afterwards. False: nothing is eligible. */
MUST_CHECK bool
fair_queue_turn(FairQueue *queue, unsigned offered_classes, int wanted, FairTurn *turn_out);
/* Takes up to `count` more items of a run that the last turn served, which will be in work one
 * after another in the place of one that is; returns how many. The organisation is charged for
 * them. For looking ahead in large steps. */
int fair_queue_extend(FairQueue *queue, FairRun *run, int count);
