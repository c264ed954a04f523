/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in the world. Giants have large runs by the hundred, medium ones some of tens of items,
 * the others submit single slides now and then: what an overloaded platform must not make wait.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "world.h"

enum { SINGLES_EACH = 20, DUE_IN_THREE = 3, RUNS_FIRST = 1024 };

static OrganizationKind kind_of(const WorldPlan *plan, int number)
{
    return number < plan->giant_count                        ? GIANT
           : number < plan->giant_count + plan->medium_count ? MEDIUM
                                                             : SINGLE;
}

static void make_organizations(World *world)
{
    const WorldPlan *plan = world->plan;
    world->organizations =
        alloc_zeroed((size_t)plan->organization_count, sizeof(WorldOrganization));
    for (int i = 0; i < plan->organization_count; i++) {
        WorldOrganization *organization = &world->organizations[i];
        /* The order of the ids says nothing about the kind. */
        snprintf(organization->id, sizeof organization->id, "org-%08x",
                 (unsigned)chance_next(&world->chance));
        organization->kind = kind_of(plan, i);
        organization->weight =
            organization->kind == SINGLE ? 1 : chance_between(&world->chance, 1, 5);
    }
}

static void add_run(World *world, int organization, int item_count)
{
    Chance *chance = &world->chance;
    if (world->run_count == world->run_capacity) {
        world->run_capacity = world->run_capacity * 2 + RUNS_FIRST;
        world->runs = alloc_resize(world->runs, (size_t)world->run_capacity, sizeof(WorldRun));
    }
    WorldRun *run = &world->runs[world->run_count++];
    *run = (WorldRun){.open_place = -1};
    run->organization = organization;
    run->item_count = item_count;
    run->key.submitted_us = chance_below(chance, world->plan->arrival_us);
    run->key.due_us = chance_below(chance, DUE_IN_THREE) == 0
                          ? run->key.submitted_us + chance_below(chance, 10 * DAY_US)
                          : FAIR_NEVER_DUE;
    snprintf(run->key.run_id.text, sizeof run->key.run_id.text, "%08x-0000-7000-8000-%012x",
             (unsigned)chance_next(chance), (unsigned)world->run_count);
}

static int by_arrival(const void *a, const void *b)
{
    const FairRunKey *left = &((const WorldRun *)a)->key;
    const FairRunKey *right = &((const WorldRun *)b)->key;
    if (left->submitted_us != right->submitted_us) {
        return left->submitted_us < right->submitted_us ? -1 : 1;
    }
    return strcmp(left->run_id.text, right->run_id.text);
}

/* Shares item_count out: single slides first, then giants and medium ones half and half. */
static void make_runs(World *world)
{
    static const int RUN_ITEMS_MOST[KIND_COUNT] = {[GIANT] = 400, [MEDIUM] = 80, [SINGLE] = 1};
    const WorldPlan *plan = world->plan;
    int left = plan->item_count;
    for (int i = plan->giant_count + plan->medium_count; i < plan->organization_count; i++) {
        for (int n = 0; n < SINGLES_EACH && left > 0; n++, left--) {
            add_run(world, i, 1);
        }
    }
    int large = left / 2;
    while (left > 0) {
        bool giant = left > large;
        int organization =
            giant ? (int)chance_below(&world->chance, plan->giant_count)
                  : plan->giant_count + (int)chance_below(&world->chance, plan->medium_count);
        int items = chance_between(&world->chance, 1, RUN_ITEMS_MOST[giant ? GIANT : MEDIUM]);
        items = items < left ? items : left;
        add_run(world, organization, items);
        left -= items;
    }
    qsort(world->runs, (size_t)world->run_count, sizeof(WorldRun), by_arrival);
}

static void make_items(World *world)
{
    world->items = alloc_zeroed((size_t)world->plan->item_count, sizeof(WorldItem));
    int place = 0;
    for (int i = 0; i < world->run_count; i++) {
        world->runs[i].first_item = place;
        for (int n = 0; n < world->runs[i].item_count; n++) {
            world->items[place++].run = i;
        }
    }
}

static void make_workers(World *world)
{
    const WorldPlan *plan = world->plan;
    world->workers = alloc_zeroed((size_t)plan->worker_count, sizeof(WorldWorker));
    world->idle_workers = alloc_zeroed((size_t)plan->worker_count, sizeof(int));
    for (int i = 0; i < plan->worker_count; i++) {
        world->workers[i].slots = chance_between(&world->chance, 1, WORKER_SLOTS_MAX);
        world->workers[i].idle_place = -1;
    }
}

World *world_create(const WorldPlan *plan)
{
    World *world = ALLOC_NEW(World);
    world->plan = plan;
    world->chance.state = plan->seed;
    world->batch_limit = 1;
    make_organizations(world);
    make_runs(world);
    make_items(world);
    make_workers(world);
    return world;
}

void world_destroy(World *world)
{
    for (int i = 0; i < world->plan->organization_count; i++) {
        alloc_free(world->organizations[i].open_runs);
    }
    alloc_free(world->organizations);
    alloc_free(world->runs);
    alloc_free(world->items);
    alloc_free(world->workers);
    alloc_free(world->idle_workers);
    alloc_free(world);
}
