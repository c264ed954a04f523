/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A platform under a virtual clock: organisations that submit runs, workers that take, end and lose
 * items, and a rule that says what starts next. It keeps books of its own, so that a referee can
 * tell whether the rule keeps what it promises.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "jobs/fair_queue.h"

#include "chance.h"

enum {
    WORKER_SLOTS_MAX = 2,
    BATCH_MAX = 4,
    ATTEMPTS_MAX = 3,
    WORLD_RETRIES_MAX = 64 /* items of one run that wait for another attempt; a world has fewer */
};

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

/* How large a world is; see world_plan. */
typedef struct WorldPlan {
    uint64_t seed;
    int organization_count; /* the first ones are giants, then medium ones, then those of single
                               slides */
    int giant_count;
    int medium_count;
    int worker_count;
    int item_count;
    int64_t arrival_us;  /* the time within which all runs arrive */
    int64_t duration_us; /* of an item, on average */
} WorldPlan;

typedef enum OrganizationKind { GIANT, MEDIUM, SINGLE, KIND_COUNT } OrganizationKind;

typedef struct WorldOrganization {
    char id[16];
    OrganizationKind kind;
    int weight;
    int *open_runs; /* that have arrived and not ended */
    int open_count;
    int open_capacity;
    int eligible_count;     /* of its runs */
    int64_t eligible_since; /* in starts; meaningful while eligible_count > 0 */
    int64_t started_count;  /* its items started so far */
    int waiting_count;      /* its items that wait, ready or not */
} WorldOrganization;

typedef struct WorldRetry {
    int ordinal;
    int64_t ready_at_us;
} WorldRetry;

typedef struct WorldRun {
    FairRunKey key;
    int organization;
    int item_count;
    int first_item; /* the place of ordinal 0 in World.items */
    int first_untried;
    WorldRetry retries[WORLD_RETRIES_MAX];
    int retry_count;
    int in_work;
    int ended_count;
    int open_place;
    bool eligible;
    bool counted_waiting;
    FairRun *fair; /* of the rule under test */
} WorldRun;

typedef enum ItemState { ITEM_WAITING, ITEM_IN_WORK, ITEM_ENDED } ItemState;

typedef struct WorldItem {
    int run;
    uint8_t state;
    uint8_t attempts;
} WorldItem;

typedef struct WorldWorker {
    int slots;
    int free_slots;
    int items[WORKER_SLOTS_MAX]; /* -1: free */
    bool alive;
    int idle_place; /* in World.idle_workers; -1: not there */
    int life;
} WorldWorker;

typedef struct World World;

/* What the rule takes: items of one run, by ordinal, in this order. */
typedef struct Pick {
    int run;
    int count;
    int ordinals[FAIR_BATCH_MAX];
} Pick;

/* A rule and what it is told. */
typedef struct Rule {
    void *state;
    void (*run_arrived)(void *state, int run);
    void (*item_waits)(void *state, int run, int ordinal, int64_t ready_at_us);
    void (*item_left)(void *state, int run);
    void (*run_ended)(void *state, int run);
    void (*time_passed)(void *state);
    void (*limit_changed)(void *state);
    bool (*turn)(void *state, int wanted, Pick *pick_out);
} Rule;

/* Who looks on. */
typedef struct Referee Referee;

struct World {
    const WorldPlan *plan;
    const Rule *rule;
    Referee *referee;
    Chance chance;
    int64_t now_us;
    WorldOrganization *organizations;
    WorldRun *runs; /* in the order of their arrival */
    int run_count;
    int run_capacity;
    int arrived_count;
    WorldItem *items;
    WorldWorker *workers;
    int *idle_workers;
    int idle_count;
    int slots_alive;
    int batch_limit;
    int eligible_count; /* of all runs */
    int runs_waiting;   /* runs with items that wait, ready or not */
    bool limit_is_due;
    Heap events;
    uint64_t sequence;     /* of the next event */
    int64_t started_count; /* starts of items, again and again counted */
    int ended_count;
    int failed_count; /* ended after ATTEMPTS_MAX */
    int deaths;
    uint64_t trace; /* of all starts in their order */
};

/* Makes organisations, runs, items and workers of a seed. */
World *world_create(const WorldPlan *plan);
void world_destroy(World *world);
/* Plays until nothing more happens. */
void world_play(World *world, const Rule *rule, Referee *referee);

/* Items of the run that could start now, were the run below its limit. */
int world_run_ready(const World *world, const WorldRun *run);
/* Items of the run that wait, ready or not. */
int world_run_waiting(const WorldRun *run);
