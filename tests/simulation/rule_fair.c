/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's rule, jobs/fair_queue.h, told what happens in a world. */
#include <string.h>

#include "base/alloc.h"

#include "rules.h"

typedef struct Fair {
    World *world;
    FairQueue *queue;
    FairOrganization **organizations;
} Fair;

static void run_arrived(void *state, int number)
{
    Fair *fair = state;
    WorldRun *run = &fair->world->runs[number];
    const FairRunState start = {.key = run->key, .item_count = run->item_count, .context = run};
    run->fair = fair_queue_add_run(fair->queue, fair->organizations[run->organization], &start);
}

static void item_waits(void *state, int run, int ordinal, int64_t ready_at_us)
{
    Fair *fair = state;
    fair_queue_retry(fair->queue, fair->world->runs[run].fair, ordinal, ready_at_us);
}

static void item_left(void *state, int run)
{
    Fair *fair = state;
    fair_queue_release(fair->queue, fair->world->runs[run].fair, 1);
}

static void run_ended(void *state, int run)
{
    Fair *fair = state;
    fair_queue_remove_run(fair->queue, fair->world->runs[run].fair);
}

static void time_passed(void *state)
{
    Fair *fair = state;
    fair_queue_advance(fair->queue, fair->world->now_us);
}

static void limit_changed(void *state)
{
    Fair *fair = state;
    fair_queue_set_batch_limit(fair->queue, fair->world->batch_limit);
}

static bool turn(void *state, int wanted, Pick *pick_out)
{
    Fair *fair = state;
    FairTurn taken;
    if (!fair_queue_turn(fair->queue, 1, wanted, &taken)) {
        return false;
    }
    const WorldRun *run = fair_run_context(taken.run);
    pick_out->run = (int)(run - fair->world->runs);
    pick_out->count = taken.count;
    memcpy(pick_out->ordinals, taken.ordinals, (size_t)taken.count * sizeof taken.ordinals[0]);
    return true;
}

Rule rule_fair_create(World *world)
{
    Fair *fair = ALLOC_NEW(Fair);
    fair->world = world;
    fair->queue = fair_queue_create(world->batch_limit, 0);
    fair->organizations =
        alloc_array((size_t)world->plan->organization_count, sizeof(FairOrganization *));
    for (int i = 0; i < world->plan->organization_count; i++) {
        const WorldOrganization *organization = &world->organizations[i];
        fair->organizations[i] =
            fair_queue_add_organization(fair->queue, organization->id, organization->weight, 0);
    }
    return (Rule){.state = fair,
                  .run_arrived = run_arrived,
                  .item_waits = item_waits,
                  .item_left = item_left,
                  .run_ended = run_ended,
                  .time_passed = time_passed,
                  .limit_changed = limit_changed,
                  .turn = turn};
}

void rule_fair_destroy(Rule *rule)
{
    Fair *fair = rule->state;
    fair_queue_destroy(fair->queue);
    alloc_free(fair->organizations);
    alloc_free(fair);
}
